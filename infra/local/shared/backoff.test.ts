import { expect, test } from 'vitest'
import { createLog } from '../../../lib/core/log.ts'
import { createBackoff, untilDone } from './backoff.ts'

const watchedLog = () => {
  const said: string[] = []
  const log = Object.assign(createLog('silent', 'test'), { warn: (_: unknown, text: string) => void said.push(text) })
  return { log, said }
}

test('what fails is tried until it succeeds, and its failure is logged once', async () => {
  const { log, said } = watchedLog()
  let tries = 0
  const work = async () => {
    if (++tries < 3) throw new Error('away')
  }
  expect(await untilDone(work, { log, failed: 'not yet', signal: new AbortController().signal })).toBe(true)
  expect(tries).toBe(3)
  expect(said).toEqual(['not yet'])
})

test('nothing is tried any more after the abort', async () => {
  const { log } = watchedLog()
  const stopping = new AbortController()
  let tries = 0
  const work = async () => {
    tries++
    stopping.abort()
    throw new Error('away')
  }
  expect(await untilDone(work, { log, failed: 'not yet', signal: stopping.signal })).toBe(false)
  expect(tries).toBe(1)
})

test('a pause ends at once when it is aborted, and failures are forgotten after a success', async () => {
  const backoff = createBackoff({ minMs: 3_600_000, maxMs: 3_600_000 })
  await backoff.pause(AbortSignal.abort())
  expect(backoff.failures).toBe(1)
  backoff.reset()
  expect(backoff.failures).toBe(0)
})
