import type { Sql } from '../../db/client.ts'
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

/** Some of the jobs that were to be cancelled. `more`: there are others. */
export interface CancelledSome {
  cancelled: number
  more: boolean
}

/** Cancels the first {@link MAX_CHANGED} live jobs that are found. @throws {StintError} RATE_LIMITED */
export const cancelFound = async (app: App, actor: Actor, filter: jobSearch.LiveFilter): Promise<CancelledSome> =>
  cancelFirst(app, actor, filter.projectId, (sql) => jobSearch.listLiveIds(sql, filter, MAX_CHANGED + 1))

/**
 * Cancels the first {@link MAX_CHANGED} live jobs of a job's tree: itself, those that it submitted, those that these submitted
 * and so on. They are all of its project.
 * @throws {StintError} JOB_NOT_FOUND, FORBIDDEN, RATE_LIMITED
 */
export const cancelTree = async (app: App, actor: Actor, rootId: string): Promise<CancelledSome> => {
  const { projectId } = await requireJob(app, actor, rootId, 'maintainer')
  return cancelFirst(app, actor, projectId, (sql) => jobSearch.listLiveTree(sql, rootId, MAX_CHANGED + 1))
}

const cancelFirst = async (
  app: App,
  actor: Actor,
  projectId: string,
  find: (sql: Sql) => Promise<string[]>,
): Promise<CancelledSome> => {
  const found = await app.scan(actor.userId, find)
  const projectOf = new Map(found.slice(0, MAX_CHANGED).map((it) => [it, projectId]))
  return { cancelled: await cancelEach(app, actor, projectOf), more: found.length > MAX_CHANGED }
}
