import type { JobState } from '../../db/queries/jobs.ts'
import { drawBar, STATE_COLOURS } from './bar.ts'
import type { Io } from './io.ts'
import { harmless, paint, percent, width } from './print.ts'

/** A job, as far as its events tell. */
export interface Watched {
  id: string
  label: string
  state: JobState
  progress: number
  stint: number
  error: { code: string; message: string } | null
}

const LABEL = 16
/** The columns beside the id and the bar: label, progress, state and stint. */
const REST_COLUMNS = 43
const BAR_COLUMNS = { least: 4, most: 40 }
/** How much of an id is left where there is no room for both the id and a bar. */
const ID_END = 12
const WITH_WHOLE_ID = REST_COLUMNS + 36 + 12

/** A job's progress, or why it failed. */
export const lineOf = (io: Io, job: Watched): string => line(io, job, { id: job.id, hasLabel: true })

/** The same with a bar. In a narrow terminal first the id gets shorter, then the bar and the label are left out. */
export const barOf = (io: Io, job: Watched, columns: number): string => {
  const id = columns < WITH_WHOLE_ID ? job.id.slice(-ID_END) : job.id
  const room = columns - REST_COLUMNS - id.length
  const bar =
    room < BAR_COLUMNS.least
      ? undefined
      : drawBar(job.progress, Math.min(BAR_COLUMNS.most, room), STATE_COLOURS[job.state])
  return line(io, job, { id, bar, hasLabel: room >= 0 })
}

/** Whether a terminal of this width cuts off part of a line with a bar. */
export const isCut = (io: Io, job: Watched, columns: number): boolean => width(barOf(io, job, columns)) > columns

/** A label, cut or filled to the same width as all others. */
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
