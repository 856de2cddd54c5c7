import { rounded } from './report.ts'

/** Bins of equal width, as many as `count`, from `from` on. Times are milliseconds. */
export interface Bins {
  from: number
  step: number
  count: number
}

/** What is known of a column when its bins are chosen. */
export interface Spread {
  min: number
  max: number
  /** Between these are 98 % of the values. */
  low: number
  high: number
}

const MOST = 24

/** A range is shown whole unless it is this many times as wide as the range of nearly all values. */
const FAR = 2

/** A tenth of any smaller number would be 0. */
const SMALLEST = 1e-300

const SECOND = 1_000
const DAY = 86_400 * SECOND
const TIME_STEPS = [
  ...[1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200].map((it) => it * SECOND),
  ...[1, 2, 3, 7, 14, 28, 42, 56, 91, 182, 365, 731, 1_826, 3_652, 18_262, 36_525].map((it) => it * DAY),
]

/** Bins with edges that people like to read; whole numbers are not cut in two. */
export const binsOf = ({ min, max, low, high }: Spread, of: 'whole' | 'real' | 'time'): Bins => {
  const far = max - min > FAR * (high - low) && high > low
  const [start, end] = far ? [low, high] : [min, max]
  const step = stepOf((end - start) / MOST, of)
  // Bins wider than a day begin on the day of the first value.
  const edge = of === 'time' ? Math.min(step, DAY) : step
  const from = rounded(Math.floor(start / edge) * edge)
  return { from, step, count: Math.max(1, Math.floor(rounded((end - from) / step)) + 1) }
}

const stepOf = (least: number, of: 'whole' | 'real' | 'time'): number => {
  if (of === 'time') return TIME_STEPS.find((it) => it >= least) ?? 365 * DAY * niceStep(least / (365 * DAY))
  const step = least > 0 ? niceStep(least) : 1
  return of === 'whole' ? Math.max(1, step) : step
}

/** 1, 2 or 5 times a power of ten, and not below `least`. */
const niceStep = (wanted: number): number => {
  const least = Math.max(wanted, SMALLEST)
  const power = 10 ** Math.floor(Math.log10(least))
  return rounded(([1, 2, 5].find((it) => it * power >= least) ?? 10) * power)
}
