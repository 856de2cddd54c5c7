import * as jobSearch from '../../db/queries/job-search.ts'
import type { JobState, JobWithData } from '../../db/queries/jobs.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { cancelJob, cancelJobs } from '../../lib/jobs/cancel.ts'
import { audit, auditJobs } from './audit.ts'
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

/** Jobs that one request changes at most. */
export const MAX_CHANGED = 1_000

/**
 * Cancels jobs of projects that the actor may change, with an entry in the audit log for each project.
 * @param projectOf each job's project
 * @returns how many were cancelled, or will stop at their next safe point
 */
export const cancelEach = async (app: App, actor: Actor, projectOf: ReadonlyMap<string, string>): Promise<number> => {
  const jobs = await cancelJobs(app, [...projectOf.keys()], auditJobs(actor, 'job.cancel', projectOf))
  return jobs.filter((job) => job.changed).length
}

/** Cancels the first {@link MAX_CHANGED} live jobs that are found. @returns whether there are `more` @throws {StintError} RATE_LIMITED */
export const cancelFound = async (
  app: App,
  actor: Actor,
  filter: jobSearch.LiveFilter,
): Promise<{ cancelled: number; more: boolean }> => {
  const found = await app.scan(actor.userId, (sql) => jobSearch.listLiveIds(sql, filter, MAX_CHANGED + 1))
  const projectOf = new Map(found.slice(0, MAX_CHANGED).map((it) => [it, filter.projectId]))
  return { cancelled: await cancelEach(app, actor, projectOf), more: found.length > MAX_CHANGED }
}
