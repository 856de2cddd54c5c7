import fc from 'fast-check'
import { expect, test } from 'vitest'
import { doorbellDelaySeconds, MAX_DOORBELL_DELAY_SECONDS } from './doorbells.ts'

const aDayMs = 86_400_000

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
