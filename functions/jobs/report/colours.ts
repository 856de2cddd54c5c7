import type { JobState } from '../../../db/queries/jobs.ts'
import type { Colour } from '../chart/drawing.ts'

/** The states as bars show them, from the axis on, with their colours. */
export const STATE_COLOURS: [JobState, Colour][] = [
  ['succeeded', '#2f9e63'],
  ['failed', '#d6453d'],
  ['cancelled', '#8b929b'],
  ['running', '#2f6fdb'],
  ['queued', '#e2a42b'],
  ['blocked', '#a37ad1'],
]
