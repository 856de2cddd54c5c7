import { expect, test } from 'vitest'
import { createLog } from '../../../lib/core/log.ts'
import type { DoorbellQueue, Ring } from '../../../lib/queue/doorbells.ts'
import { gatherDoorbells } from './gathered-doorbells.ts'

const log = createLog('silent', 'test')

/** A queue of which each request is answered when `answer` is called. */
const slowQueue = (fail = false) => {
  const requests: Ring[][] = []
  const answers: (() => void)[] = []
  const queue: DoorbellQueue = {
    ring: (rings) => {
      requests.push(rings)
      return new Promise((resolve, reject) => answers.push(fail ? () => reject(new Error('no SQS')) : resolve))
    },
    receive: async () => [],
    delete: async () => {},
    visible: async () => 0,
    close: () => {},
  }
  return { queue, requests, answer: () => answers.shift()?.() }
}

test('the first doorbell is sent at once, and nobody waits for its answer', async () => {
  const { queue, requests } = slowQueue()
  await gatherDoorbells(queue, log).ring([{ queue: 'default', n: 3 }])
  expect(requests).toEqual([[{ queue: 'default', n: 3, delaySeconds: 0 }]])
})

test('whoever rings first goes on when the request has left', async () => {
  let left = false
  const { queue } = slowQueue()
  // As node:http does it.
  const ring = async () => process.nextTick(() => (left = true))
  await gatherDoorbells({ ...queue, ring }, log).ring([{ queue: 'default', n: 1 }])
  expect(left).toBe(true)
})

test('those that come during a request go in one, merged by queue and delay, and split where one would be worth too much', async () => {
  const { queue, requests, answer } = slowQueue()
  const gathered = gatherDoorbells(queue, log)
  await gathered.ring([{ queue: 'default', n: 1 }])
  await gathered.ring([{ queue: 'default', n: 400 }])
  await gathered.ring([
    { queue: 'default', n: 300 },
    { queue: 'default', n: 1, delaySeconds: 9 },
  ])
  expect(requests).toHaveLength(1)
  answer()
  await expect.poll(() => requests.length).toBe(2)
  expect(requests[1]).toEqual([
    { queue: 'default', n: 500, delaySeconds: 0 },
    { queue: 'default', n: 200, delaySeconds: 0 },
    { queue: 'default', n: 1, delaySeconds: 9 },
  ])
})

test('a request that fails harms nobody, and the next doorbell is sent', async () => {
  const { queue, requests, answer } = slowQueue(true)
  const gathered = gatherDoorbells(queue, log)
  await gathered.ring([{ queue: 'bulk', n: 1 }])
  answer()
  await gathered.ring([{ queue: 'bulk', n: 2 }])
  await expect.poll(() => requests.length).toBe(2)
})
