import { type Alongside, transaction } from '../../db/client.ts'
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
export const cancelJob = async (app: App, id: string, alongside?: Alongside): Promise<jobs.JobState> => {
  const [job] = await cancelJobs(app, [id], alongside)
  if (!job) throw new StintError('JOB_NOT_FOUND')
  if (!job.changed && hasEnded(job.state)) throw new StintError('JOB_ENDED', `Its state is ${job.state}.`)
  return job.state
}

/** As {@link cancelJob}, for many at once. Those that have ended are left as they are. @returns each that there is */
export const cancelJobs = async (
  app: App,
  ids: string[],
  alongside?: Alongside<[changed: string[]]>,
): Promise<jobs.Cancelled[]> => {
  const { cancelled, children } = await transaction(app.sql, async (tx) => {
    const cancelled = await jobs.cancel(tx, ids)
    const changed = cancelled.filter((job) => job.changed)
    const children = await settleChildren(app, tx, changed)
    if (changed.length > 0) {
      await alongside?.(
        tx,
        changed.map((job) => job.id),
      )
    }
    return { cancelled, children }
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
