import { type Alongside, transaction } from '../../db/client.ts'
import * as jobChanges from '../../db/queries/job-changes.ts'
import type { App } from '../app.ts'
import { invalidField, StintError } from '../core/errors.ts'
import { ringFor } from '../queue/ring.ts'
import { hasEnded } from './states.ts'

/**
 * Changes a waiting job, and rings for it whatever was changed: a claim may have skipped it while it was locked.
 * @throws {StintError} JOB_NOT_FOUND, JOB_RUNNING, JOB_ENDED, VALIDATION_FAILED (an attempt that is over, an expiry that
 * comes too late or too early)
 */
export const changeJob = async (
  app: App,
  id: string,
  change: jobChanges.JobChange,
  alongside?: Alongside<[changed: string[]]>,
): Promise<void> => {
  const { state, queue, changed, delayMs } = await transaction(app.sql, async (tx) => {
    const job = await jobChanges.apply(tx, id, change)
    if (!job) throw new StintError('JOB_NOT_FOUND')
    if (job.state === 'running') throw new StintError('JOB_RUNNING')
    if (hasEnded(job.state)) throw new StintError('JOB_ENDED', `Its state is ${job.state}.`)
    if (change.maxAttempts !== undefined && change.maxAttempts < job.attempt)
      throw invalidField('maxAttempts', `the job is at attempt ${job.attempt} by now`)
    const expiry = change.expiresInSeconds === undefined ? 'expiresAt' : 'expiresInSeconds'
    if (change[expiry] != null && job.stint > 0) throw invalidField(expiry, 'the job has started, and expires no more')
    if (job.late)
      throw invalidField(change[expiry] == null ? startOf(change) : expiry, 'it would expire before it may start')
    if (job.changed.length > 0) await alongside?.(tx, job.changed)
    return job
  })
  if (changed.length > 0) app.committed()
  if (state === 'queued') await ringFor(app, [{ queue, delayMs }])
}

/** The field that said when to start. */
const startOf = (change: jobChanges.JobChange): string => (change.runAt === undefined ? 'delaySeconds' : 'runAt')
