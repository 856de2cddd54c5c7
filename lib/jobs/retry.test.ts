import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs, doorbellDelaySeconds, MAX_DOORBELL_DELAY_SECONDS } from './retry.ts'

const backoff = fc.record({
  baseSeconds: fc.integer({ min: 0, max: 3_600 }),
  capSeconds: fc.integer({ min: 0, max: 86_400 }),
})
const attempt = fc.integer({ min: 1, max: 100 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const aDayMs = 86_400_000

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

test('a doorbell rings when its job is due and not two seconds later, in whole seconds that SQS can wait', () => {
  fc.assert(
    fc.property(fc.double({ min: -aDayMs, max: aDayMs, noNaN: true }), (delayMs) => {
      const seconds = doorbellDelaySeconds(delayMs)
      if (seconds === null) {
        expect(delayMs).toBeGreaterThan((MAX_DOORBELL_DELAY_SECONDS - 1) * 1_000)
        return
      }
      expect(Number.isInteger(seconds)).toBe(true)
      expect(seconds).toBeGreaterThanOrEqual(0)
      expect(seconds).toBeLessThanOrEqual(MAX_DOORBELL_DELAY_SECONDS)
      expect(seconds * 1_000).toBeGreaterThanOrEqual(delayMs)
      expect(seconds * 1_000).toBeLessThanOrEqual(Math.max(0, delayMs + 2_000))
    }),
  )
})

test('what is due rings at once, and what is due in 15 minutes is left to the sweep', () => {
  expect([-1, 0].map(doorbellDelaySeconds)).toEqual([0, 0])
  expect([1, 1_000, 1_001, 899_000].map(doorbellDelaySeconds)).toEqual([2, 2, 3, 900])
  expect([899_001, 900_000, Number.POSITIVE_INFINITY].map(doorbellDelaySeconds)).toEqual([null, null, null])
})
