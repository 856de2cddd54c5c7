import { z } from 'zod'
import type { Sql } from '../../db/client.ts'
import * as jobSearch from '../../db/queries/job-search.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { firstIdAt } from '../../lib/core/ids.ts'
import { decodeCursor, encodeCursor, id, instant, page, toPage } from '../../lib/http/schemas.ts'
import { STATES } from '../../lib/jobs/states.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'
import { toSummary } from '../views/job.ts'
import { projectsToList, requireSubmitter } from './job-access.ts'

/** The query of a list of jobs. */
export const jobQuery = z.object({
  ...page,
  projectId: id.optional().meta({ description: 'By default all your projects.' }),
  state: z.enum(STATES).optional(),
  kind: z.string().min(1).max(100).optional(),
  queue: z.enum(QUEUES).optional(),
  tag: z.string().min(1).max(64).optional(),
  submittedBy: id.optional().meta({ description: 'The job that submitted them.' }),
  text: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'In the name, or in the first 10 000 characters of the input as JSON; case doesn’t matter.' }),
  queuedAfter: instant.optional(),
  queuedBefore: instant.optional(),
  finishedAfter: instant.optional().meta({ description: 'Ended then or later, however long ago they were queued.' }),
  finishedBefore: instant.optional(),
})

/** Ids have the time of the clock that made them, `queuedAt` that of the database. By how much these may differ. */
const CLOCKS_APART_MS = 600_000

type Filter = Omit<jobSearch.JobFilter, 'idFrom' | 'idTo'>

/** A page of the jobs that the actor asks for, newest first. @throws {StintError} PROJECT_NOT_FOUND, JOB_NOT_FOUND, RATE_LIMITED */
export const listJobs = async (
  app: App,
  actor: Actor,
  { limit, cursor, projectId, ...filter }: z.output<typeof jobQuery>,
) => {
  const projectIds = await projectsToList(app, actor, projectId)
  if (filter.submittedBy) await requireSubmitter(app, actor, filter.submittedBy)
  const given = { ...filter, projectIds, before: decodeCursor(cursor, id) }
  const search = (sql: Sql) => find(sql, { ...given, ...idBounds(given) }, limit + 1)
  const { jobs, lookedTo } = isFiltered(filter) ? await app.scan(actor.userId, search) : await search(app.sql)
  const page = toPage(jobs, limit, toSummary, (row) => row.id)
  return { ...page, nextCursor: page.nextCursor ?? (lookedTo && encodeCursor(lookedTo)) }
}

/** Without such a filter the first rows of an index are the page. */
const isFiltered = ({ submittedBy: _, ...filter }: Pick<Filter, 'submittedBy'>): boolean =>
  Object.values(filter).some((it) => it !== undefined)

const find = async (sql: Sql, filter: jobSearch.JobFilter, limit: number): Promise<jobSearch.Found> => {
  const { state, submittedBy } = filter
  // The jobs that one submitted have an index of their own, and are few.
  const live =
    !submittedBy && (state === 'queued' || state === 'running')
      ? await jobSearch.listLive(sql, { ...filter, state }, limit)
      : null
  return live ?? jobSearch.list(sql, filter, limit)
}

/** Jobs lie in the order of their ids, which begin with the time: a span of time is a span of the index. */
const idBounds = ({ queuedAfter, queuedBefore, finishedBefore }: Filter): { idFrom?: string; idTo?: string } => {
  // What has ended was queued before.
  const ends = [queuedBefore, finishedBefore].flatMap((it) => (it === undefined ? [] : [Date.parse(it)]))
  return {
    ...(queuedAfter && { idFrom: firstIdAt(Date.parse(queuedAfter) - CLOCKS_APART_MS) }),
    ...(ends.length > 0 && { idTo: firstIdAt(Math.min(...ends) + CLOCKS_APART_MS) }),
  }
}
