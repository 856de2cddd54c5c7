import { type Alongside, transaction } from '../../db/client.ts'
import * as removals from '../../db/queries/removals.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { deleteOrphans } from '../files/orphans.ts'
import { hasEnded } from './states.ts'

/** How many jobs, and how many of their events, one transaction removes. */
const BATCH = 1_000
const MAX_EVENTS = 10_000
const LOG_LINES = 10_000

const FIRST = '00000000-0000-0000-0000-000000000000'

/**
 * Removes an ended job with its stints, logs, events, edges and files.
 * @throws {StintError} JOB_NOT_FOUND, JOB_NOT_ENDED, JOB_UNPUBLISHED, JOB_IN_USE
 */
export const removeJob = async (app: App, id: string, alongside?: Alongside): Promise<void> => {
  await transaction(app.sql, async (tx) => {
    await removals.lockOne(tx, id)
    const job = await removals.inspect(tx, id)
    if (!job) throw new StintError('JOB_NOT_FOUND')
    if (!hasEnded(job.state)) throw new StintError('JOB_NOT_ENDED', `Its state is ${job.state}.`)
    if (job.unpublished)
      throw new StintError('JOB_UNPUBLISHED', 'Its events go to Kafka before it can be deleted. Ask again in a moment.')
    if (job.needed || (await removals.listWithFilesInUse(tx, [id])).length > 0) throw new StintError('JOB_IN_USE')
    await removals.remove(tx, [id])
    await alongside?.(tx)
  })
  // The job is gone either way; the prune deletes what is left.
  await deleteOrphans(app, () => false).catch((error: unknown) =>
    app.log.warn({ err: error }, 'objects could not be deleted yet'),
  )
}

/**
 * Removes jobs that ended more than `days` ago, as long as `inTime`. It keeps jobs that have unpublished events, and jobs that
 * a live job runs after, has submitted, or needs a file of, and those that a schedule needs a file of. @returns how many were removed
 */
export const removeExpiredJobs = (app: App, days: number, inTime: () => boolean): Promise<number> =>
  removeAll(app, inTime, { days, list: (page) => removals.listExpired(app.sql, { days, ...page }) })

/** Removes the jobs of a project in the same way, however old they are. @returns how many are gone */
export const removeJobsOfProject = (app: App, projectId: string, inTime: () => boolean): Promise<number> =>
  removeAll(app, inTime, { days: null, list: (page) => removals.listOfProject(app.sql, projectId, page) })

interface Old {
  /** Since when they must have ended, if that matters. */
  days: number | null
  list: (page: { after: string; limit: number; maxEvents: number }) => Promise<string[]>
}

const removeAll = async (app: App, inTime: () => boolean, { days, list }: Old): Promise<number> => {
  let removed = 0
  for (let after = FIRST; inTime(); ) {
    const ids = await list({ after, limit: BATCH, maxEvents: MAX_EVENTS })
    const last = ids.at(-1)
    if (last === undefined) break
    removed += await removeBatch(app, ids, days, inTime)
    after = last
  }
  return removed
}

/**
 * Locks the jobs first and then looks again: somebody may just have retried one, which needs its log lines. If the time is
 * over before all lines are removed, the oldest lines are gone, and the jobs are removed another time.
 */
const removeBatch = async (app: App, ids: string[], days: number | null, inTime: () => boolean): Promise<number> => {
  const inUse = new Set(await removals.listWithFilesInUse(app.sql, ids))
  const unused = ids.filter((id) => !inUse.has(id))
  return transaction(app.sql, async (tx) => {
    const free = await removals.listFree(tx, await removals.lock(tx, unused), days)
    while ((await removals.removeLogs(tx, free, LOG_LINES)) === LOG_LINES) if (!inTime()) return 0
    return removals.remove(tx, free)
  })
}
