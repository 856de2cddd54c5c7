import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

const backoff = fc.record({
  baseSeconds: fc.integer({ min: 0, max: 3_600 }),
  capSeconds: fc.integer({ min: 0, max: 86_400 }),
})
const attempt = fc.integer({ min: 1, max: 100 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('a backoff is whole milliseconds between nothing and the exponential one, and never over its cap', () => {
  fc.assert(
    fc.property(backoff, attempt, random, (given, nth, number) => {
      const ms = backoffMs(given, nth, number)
      expect(Number.isInteger(ms)).toBe(true)
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(ms).toBeLessThanOrEqual(Math.min(given.capSeconds, given.baseSeconds * 2 ** (nth - 1)) * 1_000)
    }),
  )
})

test('the same luck waits no shorter at a later attempt', () => {
  fc.assert(
    fc.property(backoff, attempt, random, (given, nth, number) => {
      expect(backoffMs(given, nth + 1, number)).toBeGreaterThanOrEqual(backoffMs(given, nth, number))
    }),
  )
})

test('jitter is full: it reaches from nothing to all of it', () => {
  fc.assert(
    fc.property(backoff, attempt, (given, nth) => {
      expect(backoffMs(given, nth, 0)).toBe(0)
      const most = Math.min(given.capSeconds, given.baseSeconds * 2 ** (nth - 1)) * 1_000
      expect(backoffMs(given, nth, 0.999_999)).toBeGreaterThanOrEqual(Math.floor(most * 0.999_99))
    }),
  )
})
