import { count, duration } from './format.ts'

/** The scale of a chart: how values are written, where lines may be, and how high the chart is at least. */
export interface Scale {
  format: (value: number) => string
  /** The possible distances between two lines, all of which the format can show exactly. */
  increments: number[]
  floor: number
}

const decimal = (least: number, most: number): number[] =>
  Array.from({ length: Math.round(Math.log10(most / least)) }, (_, power) => least * 10 ** power).flatMap((it) => [
    it,
    2 * it,
    5 * it,
  ])

export const counts: Scale = { format: count, increments: decimal(1, 1e12), floor: 1 }

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds. */
export const durations: Scale = {
  format: duration,
  increments: [
    ...decimal(1, 10 * SECOND),
    ...[10 * SECOND, 30 * SECOND],
    ...[MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE],
    ...[HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR],
    ...decimal(DAY, 1_000 * DAY),
  ],
  floor: 10,
}
