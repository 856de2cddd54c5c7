import type { JobState } from '../../db/queries/jobs.ts'
import { drawBar, STATE_COLOURS } from '../demo/bars.ts'
import type { Io } from './io.ts'
import { harmless, paint, percent, width } from './print.ts'

/** A job, as far as events tell of it. */
export interface Watched {
  id: string
  label: string
  state: JobState
  progress: number
  stint: number
  error: { code: string; message: string } | null
}

const LABEL = 16
/** What stands beside the id and the bar: label, how far it is, state and stint. */
const REST_COLUMNS = 43
const BAR_COLUMNS = { least: 4, most: 40 }
/** Of an id, where there isn't room for it and a bar. */
const ID_END = 12
const WITH_WHOLE_ID = REST_COLUMNS + 36 + 12

/** How far a job is, and why it failed. */
export const lineOf = (io: Io, job: Watched): string => line(io, job, { id: job.id, hasLabel: true })

/** The same with a bar, as a terminal has room for it: in a narrow one first the id grows shorter, then bar and label go. */
export const barOf = (io: Io, job: Watched, columns: number): string => {
  const id = columns < WITH_WHOLE_ID ? job.id.slice(-ID_END) : job.id
  const room = columns - REST_COLUMNS - id.length
  const bar =
    room < BAR_COLUMNS.least
      ? undefined
      : drawBar(job.progress, Math.min(BAR_COLUMNS.most, room), STATE_COLOURS[job.state])
  return line(io, job, { id, bar, hasLabel: room >= 0 })
}

/** Whether a terminal of so many columns cuts what a bar's line says. */
export const isCut = (io: Io, job: Watched, columns: number): boolean => width(barOf(io, job, columns)) > columns

/** In whole characters, and as wide as every other. */
const labelOf = ({ label }: Watched): string => {
  const text = harmless([...label].slice(0, LABEL).join(''))
  return text + ' '.repeat(LABEL - width(text))
}

const line = (io: Io, job: Watched, shown: { id: string; bar?: string | undefined; hasLabel: boolean }): string =>
  [
    shown.id,
    ...(shown.hasLabel ? [labelOf(job)] : []),
    ...(shown.bar === undefined ? [] : [shown.bar]),
    percent(job.progress).padStart(5),
    paint(io, STATE_COLOURS[job.state], job.state.padEnd(9)),
    job.error ? harmless(`${job.error.code}: ${job.error.message}`) : job.stint > 0 ? `stint ${job.stint}` : '',
  ]
    .join(' ')
    .trimEnd()
