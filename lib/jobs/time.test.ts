import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hardStopMs, marginMs } from './time.ts'

/** A function's time, from a second to Lambda's 15 minutes, and a gap between safe points, in milliseconds. */
const totalMs = fc.integer({ min: 1_000, max: 900_000 })
const gapMs = fc.double({ min: 0, max: 1_800_000, noNaN: true })

test('what is kept for writing outcomes is some of the function’s time, and never more than 2 s', () => {
  fc.assert(
    fc.property(totalMs, (total) => {
      expect(hardStopMs(total)).toBeGreaterThan(0)
      expect(hardStopMs(total)).toBeLessThanOrEqual(Math.min(2_000, total * 0.1))
    }),
  )
})

test('a job that stops at its margin has its longest gap twice before the hard stop, as far as half the time goes', () => {
  fc.assert(
    fc.property(totalMs, gapMs, (total, gap) => {
      const beforeHardStop = marginMs(total, gap) - hardStopMs(total)
      expect(beforeHardStop).toBeGreaterThanOrEqual(Math.min(2 * gap, total * 0.5) - 0.001)
      expect(beforeHardStop).toBeGreaterThanOrEqual(total * 0.1 - 0.001)
      expect(beforeHardStop).toBeLessThanOrEqual(total * 0.5 + 0.001)
    }),
  )
})

test('a longer gap never makes the margin shorter, and something is left to run in whatever the gap', () => {
  fc.assert(
    fc.property(totalMs, gapMs, gapMs, (total, one, other) => {
      const [short, long] = [Math.min(one, other), Math.max(one, other)]
      expect(marginMs(total, long)).toBeGreaterThanOrEqual(marginMs(total, short))
      expect(marginMs(total, long)).toBeLessThan(total)
    }),
  )
})
