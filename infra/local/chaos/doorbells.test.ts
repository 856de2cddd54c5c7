import { expect } from 'vitest'
import type { Ring } from '../../../lib/queue/doorbells.ts'
import { test } from '../../../tests/support/world.ts'
import { disturbDoorbells } from './doorbells.ts'
import { createRandom } from './random.ts'

const rings: Ring[] = Array.from({ length: 200 }, (_, i) => ({ queue: 'default', n: i + 1 }))

test('of many doorbells some are lost, some come twice, some late, and few in their order', async ({ world }) => {
  const sent: Ring[][] = []
  const recorded = { ...world.app.queue, ring: async (those: Ring[]) => void sent.push(those) }
  const queue = disturbDoorbells(recorded, createRandom(1))
  await queue.ring(rings)
  const [all = []] = sent
  const counts = rings.map(({ n }) => all.filter((it) => it.n === n).length)
  expect(new Set(counts)).toEqual(new Set([0, 1, 2]))
  for (const count of [0, 2]) {
    expect(counts.filter((it) => it === count).length).toBeGreaterThan(8)
    expect(counts.filter((it) => it === count).length).toBeLessThan(40)
  }
  const delays = all.map(({ delaySeconds }) => delaySeconds ?? 0)
  expect(delays.filter((it) => it > 0).length).toBeGreaterThan(8)
  expect(Math.max(...delays)).toBeLessThanOrEqual(5)
  const order = all.map(({ n }) => n)
  expect(order).not.toEqual(order.toSorted((a, b) => a - b))
})

test('what is left can be received, and nothing is sent for nothing', async ({ world: { app } }) => {
  await disturbDoorbells(app.queue, () => 0.99).ring([{ queue: 'bulk', n: 3 }])
  await disturbDoorbells(app.queue, () => 0).ring([{ queue: 'bulk', n: 4 }])
  const received = await app.queue.receive('bulk', { max: 10, waitSeconds: 0 })
  expect(received.map(({ body }) => JSON.parse(body).n)).toEqual([3])
})

test('a delay stays within what SQS takes', async ({ world: { app } }) => {
  const queue = disturbDoorbells(app.queue, () => 0.25)
  await expect(queue.ring([{ queue: 'bulk', n: 1, delaySeconds: 900 }])).resolves.toBeUndefined()
})
