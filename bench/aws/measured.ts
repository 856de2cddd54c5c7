import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What AWS would count, per job. */
export interface Counted {
  /** Of a function's time. */
  ms: number
  /** Of functions. */
  calls: number
  sqsRequests: number
  /** Each is a way to the database and back. */
  statements: number
}

/** What `npm run cost:measure` found of jobs that do nothing. */
export interface Measured {
  date: string
  /** Submitted one by one, each run by a worker of its own. */
  one: { submit: Counted; work: Counted }
  /** A thousand in a request. */
  batch: { submit: Counted; work: Counted }
  /** Of the function that pushes events to those who listen. */
  pushMsPerEvent: number
  /** What the functions log of a job, submitted in a batch. */
  logBytesPerJob: number
}

export const MEASURED = fileURLToPath(new URL('./measured.json', import.meta.url))

export const readMeasured = (): Measured => JSON.parse(readFileSync(MEASURED, 'utf8')) as Measured
