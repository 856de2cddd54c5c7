import type { JobState, JobWithData } from '../../db/queries/jobs.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { cancelJob } from '../../lib/jobs/cancel.ts'
import { audit } from './audit.ts'
import { requireJob } from './job-access.ts'

/**
 * Cancels a job for an actor, with an entry in the audit log.
 * @returns the job and its state: a running job goes on until its next safe point
 * @throws {StintError} JOB_NOT_FOUND, FORBIDDEN, JOB_ENDED
 */
export const cancelOne = async (
  app: App,
  actor: Actor,
  jobId: string,
): Promise<{ state: JobState; row: JobWithData }> => {
  const { projectId } = await requireJob(app, actor, jobId, 'maintainer')
  const state = await cancelJob(app, jobId, audit(actor, { action: 'job.cancel', projectId, target: jobId }))
  return { state, row: await requireJob(app, actor, jobId, 'maintainer') }
}
