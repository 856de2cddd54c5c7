import * as deletedProjects from '../../db/queries/deleted-projects.ts'
import type { App } from '../../lib/app.ts'
import { removeJobsOfProject } from '../../lib/jobs/remove-jobs.ts'

/** Projects of one look, and rows of one statement. */
const PROJECTS = 100
const ROWS = 10_000

/** Kept back from the function's time: the longest that one statement may take. */
const MARGIN_MS = 30_000

const FIRST = '00000000-0000-0000-0000-000000000000'

/**
 * Removes projects that were deleted longer ago than the retention, with all that belongs to them. A project stays while one
 * of its jobs has not ended or has unpublished events.
 */
export const removeDeletedProjects = async (
  app: App,
  remainingMs: () => number = () => Number.POSITIVE_INFINITY,
): Promise<void> => {
  const inTime = () => remainingMs() > MARGIN_MS
  let removed = 0
  for (let after = FIRST; inTime(); ) {
    const ids = await deletedProjects.list(app.sql, app.config.retentionDays, after, PROJECTS)
    for (const id of ids) if (await removeProject(app, id, inTime)) removed++
    if (ids.length < PROJECTS) break
    after = ids.at(-1) ?? after
  }
  if (removed > 0) app.log.info({ projects: removed }, 'deleted projects were removed')
}

const removeProject = async (app: App, id: string, inTime: () => boolean): Promise<boolean> => {
  await removeJobsOfProject(app, id, inTime)
  const untilNoneIsLeft = async (removeSome: typeof deletedProjects.removeFiles): Promise<void> => {
    while (inTime()) if ((await removeSome(app.sql, id, ROWS)) < ROWS) break
  }
  await untilNoneIsLeft(deletedProjects.removeFiles)
  await untilNoneIsLeft(deletedProjects.removeSerialNumbers)
  return inTime() && deletedProjects.remove(app.sql, id)
}
