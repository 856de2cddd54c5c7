import { expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../../../lib/core/log.ts'
import { type DeletionsOptions, gatherDeletions } from './gathered-deletions.ts'

/** Deletions at an SQS that fails as often as it is told to. */
const gather = (options: Partial<DeletionsOptions> & { failures?: number } = {}) => {
  let { failures = 0 } = options
  const requests: string[][] = []
  const said: string[] = []
  const log = Object.assign(Object.create(createLog('silent', 'test')), {
    warn: (_: unknown, message: string) => void said.push(message),
  })
  const sqs = {
    delete: async (_: string, receiptHandles: string[]) => {
      requests.push(receiptHandles)
      if (failures-- > 0) throw new Error('no SQS')
    },
  }
  const deletions = gatherDeletions({ queue: 'default', sqs, retryMs: 30_000, log, ...options })
  return { deletions, requests, said }
}

const stopTime = (): void => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
}

const handles = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `handle ${from + i}`)

const NOT_YET = 'handled messages could not be deleted yet'
const GIVEN_UP = 'handled messages were not deleted; SQS gives them again'

test('deletions go together: ten at once, fewer a second after the first of them', async () => {
  stopTime()
  const { deletions, requests } = gather()
  for (const handle of handles(9)) deletions.add([handle])
  await vi.advanceTimersByTimeAsync(999)
  expect(requests).toEqual([])
  deletions.add(handles(4, 9))
  expect(requests).toEqual([handles(10)])
  await vi.advanceTimersByTimeAsync(1)
  expect(requests).toEqual([handles(10), handles(3, 10)])
})

test('those that come after a full request have their own second', async () => {
  stopTime()
  const { deletions, requests } = gather()
  deletions.add(handles(3))
  await vi.advanceTimersByTimeAsync(900)
  deletions.add(handles(7, 3))
  deletions.add(handles(1, 10))
  await vi.advanceTimersByTimeAsync(999)
  expect(requests).toEqual([handles(10)])
  await vi.advanceTimersByTimeAsync(1)
  expect(requests).toEqual([handles(10), handles(1, 10)])
})

test('what could not be deleted is tried again, and others do not wait for it', async () => {
  const { deletions, requests, said } = gather({ failures: 2 })
  deletions.add(handles(10))
  deletions.add(handles(10, 10))
  deletions.add(handles(10, 20))
  expect(requests).toEqual([handles(10), handles(10, 10), handles(10, 20)])
  await expect.poll(() => requests.length).toBe(5)
  expect(requests.slice(3)).toEqual([handles(10), handles(10, 10)])
  await deletions.stop()
  expect(requests).toHaveLength(5)
  expect(said).toEqual([NOT_YET, NOT_YET])
})

test('a deletion is given up when its messages are about to be given again', async () => {
  const { deletions, requests, said } = gather({ failures: Number.POSITIVE_INFINITY, retryMs: 150 })
  deletions.add(handles(10))
  await expect.poll(() => said).toEqual([NOT_YET, GIVEN_UP])
  const { length } = requests
  await deletions.stop()
  expect(requests).toHaveLength(length)
})

test('a stop deletes what waits, in requests of ten', async () => {
  stopTime()
  const { deletions, requests } = gather()
  deletions.add(handles(4))
  await deletions.stop()
  expect(requests).toEqual([handles(4)])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(requests).toHaveLength(1)
})

test('a stop tries once more what fails, and waits for no SQS that is away', async () => {
  const { deletions, requests, said } = gather({ failures: Number.POSITIVE_INFINITY })
  deletions.add(handles(10))
  await expect.poll(() => said).toEqual([NOT_YET])
  deletions.add(handles(1, 10))
  await deletions.stop()
  expect(requests.slice(-2).toSorted((a, b) => a.length - b.length)).toEqual([handles(1, 10), handles(10)])
  expect(said).toEqual([NOT_YET, GIVEN_UP, GIVEN_UP])
})
