import fc from 'fast-check'
import { expect, test } from 'vitest'
import { doorbellDelaySeconds, QUEUES } from './doorbells.ts'
import { CLAIMS_PER_DOORBELL, type Startable, startableAfter, toRings } from './ring.ts'

const startable: fc.Arbitrary<Startable> = fc.record({
  queue: fc.constantFrom(...QUEUES),
  delayMs: fc.oneof(fc.constant(0), fc.integer({ min: -1_000, max: 2_000_000 })),
})
const jobs = fc.array(startable, { maxLength: 1_500, size: 'max' })
const total = (list: { n: number }[]): number => list.reduce((sum, { n }) => sum + n, 0)

test('doorbells are worth as many claims as jobs can start, per queue and delay, and none is worth too many', () => {
  fc.assert(
    fc.property(jobs, (given) => {
      const rings = toRings(given)
      const keyOf = (queue: string, delaySeconds: number | null | undefined) => `${queue} in ${delaySeconds} s`
      const wanted = Map.groupBy(given, ({ queue, delayMs }) => keyOf(queue, doorbellDelaySeconds(delayMs)))
      for (const queue of QUEUES) wanted.delete(keyOf(queue, null))
      const rung = Map.groupBy(rings, ({ queue, delaySeconds }) => keyOf(queue, delaySeconds))
      expect([...rung.keys()].toSorted()).toEqual([...wanted.keys()].toSorted())
      for (const [key, list] of rung) expect(total(list)).toBe(wanted.get(key)?.length)
      for (const { queue, n } of rings) {
        expect(n).toBeGreaterThan(0)
        expect(n).toBeLessThanOrEqual(CLAIMS_PER_DOORBELL[queue])
      }
    }),
    { numRuns: 50 },
  )
})

test('many that start at the same time are rung for as one by one', () => {
  const one = { queue: 'default', delayMs: 4_000 }
  const others = Array.from({ length: 1_200 }, () => one)
  expect(toRings([one, { ...one, jobs: 1_200 }])).toEqual(toRings([one, ...others]))
  expect(toRings([{ ...one, jobs: 0 }])).toEqual([])
})

test('there are no more doorbells than it takes', () => {
  fc.assert(
    fc.property(jobs, (given) => {
      for (const list of Map.groupBy(
        toRings(given),
        ({ queue, delaySeconds }) => `${queue} ${delaySeconds}`,
      ).values()) {
        const most = CLAIMS_PER_DOORBELL[list[0]?.queue ?? 'default']
        expect(list.length).toBe(Math.ceil(total(list) / most))
      }
    }),
    { numRuns: 50 },
  )
})

test('a queue that is not one of ours, and a job that SQS cannot wait for, get none', () => {
  expect(toRings([{ queue: 'another', delayMs: 0 }])).toEqual([])
  expect(toRings([{ queue: 'default', delayMs: 900_000 }])).toEqual([])
})

test('after outcomes it is rung for each job that is queued again, and for one in the place of each limited one', () => {
  const settled = { queue: 'bulk', delayMs: 4_000, limited: false }
  expect(startableAfter([{ ...settled, state: 'queued' }])).toEqual([{ queue: 'bulk', delayMs: 4_000 }])
  expect(startableAfter([{ ...settled, state: 'succeeded' }])).toEqual([])
  expect(startableAfter([{ ...settled, state: 'succeeded', limited: true }])).toEqual([{ queue: 'bulk', delayMs: 0 }])
})
