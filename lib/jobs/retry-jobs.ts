import { retryConflicts } from '../../db/client.ts'
import * as retries from '../../db/queries/retries.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { ringFor } from '../queue/ring.ts'
import { hasEnded } from './states.ts'

/**
 * Begins a failed or cancelled job anew, from its checkpoint unless told otherwise. Jobs that ran after it and have
 * ended stay as they are.
 * @throws {StintError} JOB_NOT_FOUND, JOB_NOT_ENDED, JOB_SUCCEEDED
 */
export const retryJob = async (app: App, id: string, options: { fromStart: boolean }): Promise<void> => {
  const retried = await retryConflicts(() => retries.retry(app.sql, id, options))
  if (!retried) throw new StintError('JOB_NOT_FOUND')
  if (!hasEnded(retried.was)) throw new StintError('JOB_NOT_ENDED', `The job is ${retried.was}.`)
  if (retried.was === 'succeeded') throw new StintError('JOB_SUCCEEDED')
  app.committed()
  await ringFor(app, [{ queue: retried.queue, delayMs: 0 }])
}

/** Begins failed jobs of a queue anew, from their checkpoints. @returns how many */
export const redriveJobs = async (
  app: App,
  filter: retries.RedriveFilter,
  options: { limit: number; perSecond: number | undefined },
): Promise<number> => {
  const startable = await retryConflicts(() => retries.redrive(app.sql, filter, options))
  if (startable.length > 0) app.committed()
  await ringFor(app, startable)
  return startable.length
}
