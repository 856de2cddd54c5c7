import { type Alongside, transaction } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { countFinished } from '../metrics/jobs.ts'
import { ringFor } from '../queue/ring.ts'
import { settleChildren } from './settle.ts'
import { hasEnded } from './states.ts'

/**
 * Cancels a job. If it wasn't running, that happens at once, and the jobs that run after it are ended or freed.
 * @returns the job's state afterwards: `cancelled`, or `running` until its next safe point
 * @throws {StintError} JOB_NOT_FOUND, JOB_ENDED
 */
export const cancelJob = async (app: App, id: string, alongside?: Alongside): Promise<jobs.JobState> => {
  const [job] = await cancelJobs(app, [id], alongside)
  if (!job) throw new StintError('JOB_NOT_FOUND')
  if (!job.changed && hasEnded(job.state)) throw new StintError('JOB_ENDED', `Its state is ${job.state}.`)
  return job.state
}

/** Like {@link cancelJob}, for many at once. Ended jobs are left as they are. @returns those of the jobs that exist */
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
