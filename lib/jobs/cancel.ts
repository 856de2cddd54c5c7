import { transaction } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { countFinished } from '../metrics/jobs.ts'
import { ringFor } from '../queue/ring.ts'
import { settleChildren } from './settle.ts'
import { hasEnded } from './states.ts'

/**
 * Asks for a job's end, and ends or frees the jobs that run after it when that end is there at once.
 * @returns the job's state after it: `cancelled`, or `running` until its next safe point
 * @throws {StintError} JOB_NOT_FOUND, JOB_ENDED
 */
export const cancelJob = async (app: App, id: string): Promise<jobs.JobState> => {
  const [job] = await cancelJobs(app, [id])
  if (!job) throw new StintError('JOB_NOT_FOUND')
  if (!job.changed && hasEnded(job.state)) throw new StintError('JOB_ENDED', `The job is ${job.state}.`)
  return job.state
}

/** As {@link cancelJob}, for many at once. Those that have ended are left as they are. @returns each that there is */
export const cancelJobs = async (app: App, ids: string[]): Promise<jobs.Cancelled[]> => {
  const { cancelled, children } = await transaction(app.sql, async (tx) => {
    const cancelled = await jobs.cancel(tx, ids)
    return {
      cancelled,
      children: await settleChildren(
        tx,
        cancelled.filter((job) => job.changed),
      ),
    }
  })
  const changed = cancelled.filter((job) => job.changed)
  if (changed.length > 0) app.committed()
  countFinished(app.metrics, [...changed, ...children])
  await ringFor(
    app,
    children.filter((child) => child.state === 'queued'),
  )
  return cancelled
}
