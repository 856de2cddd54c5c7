import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What AWS would count, per job. */
export interface Counted {
  /** Time of functions. */
  ms: number
  /** Calls of functions. */
  calls: number
  sqsRequests: number
  /** Each is a round trip to the database. */
  statements: number
}

/** What `npm run cost:measure` found for jobs that do nothing. */
export interface Measured {
  date: string
  /** Submitted one by one, each run by a worker of its own. */
  one: { submit: Counted; work: Counted }
  /** A thousand in a request. */
  batch: { submit: Counted; work: Counted }
  /** The function that pushes events to connected clients. */
  pushMsPerEvent: number
  /** What the functions log for a job that was submitted in a batch. */
  logBytesPerJob: number
}

export const MEASURED = fileURLToPath(new URL('./measured.json', import.meta.url))

export const readMeasured = (): Measured => JSON.parse(readFileSync(MEASURED, 'utf8')) as Measured
