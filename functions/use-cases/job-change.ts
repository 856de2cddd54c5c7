import type { JobChange } from '../../db/queries/job-changes.ts'
import type { JobWithData } from '../../db/queries/jobs.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { changeJob } from '../../lib/jobs/change.ts'
import { audit } from './audit.ts'
import { requireJob } from './job-access.ts'

/**
 * Changes a waiting job for an actor, with an entry in the audit log.
 * @returns the changed job
 * @throws {StintError} JOB_NOT_FOUND, FORBIDDEN, JOB_RUNNING, JOB_ENDED, VALIDATION_FAILED
 */
export const changeOne = async (app: App, actor: Actor, jobId: string, change: JobChange): Promise<JobWithData> => {
  const { projectId } = await requireJob(app, actor, jobId, 'maintainer')
  await changeJob(app, jobId, change, (tx, changed) =>
    audit(actor, { action: 'job.change', projectId, target: jobId, data: { changed } })(tx),
  )
  return requireJob(app, actor, jobId, 'maintainer')
}
