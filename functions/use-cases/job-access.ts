import * as jobSearch from '../../db/queries/job-search.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as memberships from '../../db/queries/memberships.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { StintError } from '../../lib/core/errors.ts'
import { requireFound, requireRole } from './access.ts'

/**
 * The job, if the actor has at least the role `needed` in its project.
 * @throws {StintError} JOB_NOT_FOUND also for strangers: who isn't a member isn't told that the job exists
 * @throws {StintError} FORBIDDEN for a member whose role is not enough
 */
export const requireJob = async (
  app: App,
  actor: Actor,
  jobId: string,
  needed: memberships.Role,
): Promise<jobs.JobWithData> =>
  requireFound(app, actor, await jobs.find(app.sql, jobId), { needed, notFound: 'JOB_NOT_FOUND' })

/**
 * Like {@link requireJob}, for many at once.
 * @returns the project of each
 * @throws {StintError} JOB_NOT_FOUND naming the first id that isn't a visible job's, FORBIDDEN
 */
export const requireJobs = async (
  app: App,
  actor: Actor,
  ids: string[],
  needed: memberships.Role,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map((await jobSearch.listProjects(app.sql, ids)).map((job) => [job.id, job.projectId]))
  const missing = ids.findIndex((id) => !found.has(id))
  if (missing >= 0) throw missingAt(missing)
  for (const projectId of new Set(found.values())) {
    await requireRole(app, actor, projectId, needed).catch((error: unknown) => {
      if (!(error instanceof StintError) || error.code !== 'PROJECT_NOT_FOUND') throw error
      throw missingAt(ids.findIndex((id) => found.get(id) === projectId))
    })
  }
  return found
}

const missingAt = (index: number): StintError =>
  new StintError('JOB_NOT_FOUND', undefined, { errors: [{ path: `ids[${index}]`, message: 'no such job' }] })

/**
 * Makes sure that the actor may see what this job submitted. The job itself may have been deleted.
 * @throws {StintError} JOB_NOT_FOUND when neither it nor any job that it submitted is visible
 */
export const requireSubmitter = async (app: App, actor: Actor, jobId: string): Promise<void> => {
  const projectId = await jobSearch.findProjectOfSubmitted(app.sql, jobId)
  if (projectId === null) await requireJob(app, actor, jobId, 'viewer')
  else await requireFound(app, actor, { projectId }, { needed: 'viewer', notFound: 'JOB_NOT_FOUND' })
}

/** The projects whose jobs a list shows: the named one, an API key's own, or all that the actor is a member of. */
export const projectsToList = async (app: App, actor: Actor, named: string | undefined): Promise<string[]> => {
  const projectId = named ?? actor.apiKey?.projectId
  if (projectId === undefined) return memberships.listProjectIds(app.sql, actor.userId)
  await requireRole(app, actor, projectId, 'viewer')
  return [projectId]
}
