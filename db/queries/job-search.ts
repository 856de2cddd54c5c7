import type { Sql } from '../client.ts'
import { type JobRow, type JobState, rowColumns } from './jobs.ts'

export interface JobFilter {
  projectIds: string[]
  state?: JobState | undefined
  kind?: string | undefined
  queue?: string | undefined
  tag?: string | undefined
  /** The job that submitted them. */
  submittedBy?: string | undefined
  /** In the name, or near the beginning of the input as JSON, whatever its case. */
  text?: string | undefined
  /** RFC 3339: queued then or later, and queued before. */
  queuedAfter?: string | undefined
  queuedBefore?: string | undefined
  /** RFC 3339: ended then or later, and ended before. */
  finishedAfter?: string | undefined
  finishedBefore?: string | undefined
  /** What they say of ids, as bounds for the index; they may be wider. */
  idFrom?: string | undefined
  idTo?: string | undefined
  /** Only jobs older than this id. */
  before?: string | undefined
}

export interface Found {
  /** Newest first, without input, partial and result. */
  jobs: JobRow[]
  /** The last job that was looked at, when older ones were left to another time; null when there is none of them. */
  lookedTo: string | null
}

/** How many jobs are looked at in one go; fewer if their inputs have to be read. */
const MAX_LOOKED = 20_000
const MAX_READ = 5_000
/** Bytes of inputs, as they are stored: 5 000 of 50 kB take seconds. */
const MAX_READ_BYTES = 2 ** 26
/** Characters of each input: of 256 KiB, making all small takes ten times as long as reading them. */
const MAX_SEARCHED = 10_000
/** This many of a project at a time, at most; where there are very many projects, fewer. */
const MAX_STRIDE = 200
const MIN_STRIDE = 10

/** Up to this many jobs that wait or run are all looked at. */
const MAX_LIVE = 5_000

/** All ids lie between them. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000'
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * The newest jobs of some projects that fit: the first `limit`, or those that one go finds. It walks down an index of
 * each project, or of the job that submitted them, a stride at a time, until it has enough. Short strides are planned as
 * what they are, whereas for the whole way a planner that knows only the mean project may sort all that the largest has.
 */
export const list = async (sql: Sql, filter: JobFilter, limit: number): Promise<Found> => {
  const { projectIds, submittedBy, idFrom = FIRST_ID } = filter
  const { stride, strides, bytes } = paceOf(filter, limit)
  const rows = await sql<(JobRow & { lookedTo: string | null })[]>`
    WITH RECURSIVE looked (whose, last_id, ids, found, strides, bytes, has_more) AS (
      SELECT ARRAY[id], ${start(sql, filter)}, '{}'::uuid[], 0, 0, 0::bigint, true
      FROM unnest(${submittedBy ? [submittedBy] : projectIds}::uuid[]) AS walked (id) ${isTheirs(sql, filter)}
      UNION ALL
      SELECT whose, stride.last_id, stride.ids, found + cardinality(stride.ids), strides + 1, bytes + stride.read,
             jobs = ${stride} AND stride.last_id > ${idFrom}
      FROM looked, LATERAL (
        SELECT count(*) AS jobs, coalesce(sum(size), 0)::bigint AS read, (array_agg(id ORDER BY id))[1] AS last_id,
               coalesce(array_agg(id) FILTER (WHERE fits), '{}') AS ids
        FROM (
          SELECT id, ${sizeRead(sql, filter)} AS size, true ${fits(sql, filter)} AS fits FROM jobs ${walked(sql, filter, stride)}
        ) AS jobs
      ) AS stride
      WHERE has_more AND found < ${limit} AND strides < ${strides} AND bytes < ${bytes}
    ), bound AS MATERIALIZED (
      SELECT (
        SELECT last_id FROM looked WHERE has_more AND found < ${limit} AND (strides = ${strides} OR bytes >= ${bytes})
        ORDER BY last_id DESC LIMIT 1
      ) AS looked_to
    )
    SELECT looked_to, jobs.* FROM bound LEFT JOIN LATERAL (
      SELECT ${rowColumns(sql)} FROM jobs
      WHERE id = ANY (ARRAY(SELECT unnest(ids) FROM looked)) AND (looked_to IS NULL OR id >= looked_to)
      ORDER BY id DESC LIMIT ${limit}
    ) AS jobs ON true
    ORDER BY id DESC`
  return { jobs: rows.filter((row) => row.id !== null), lookedTo: rows[0]?.lookedTo ?? null }
}

/** All jobs that one submitted are of its project: nothing is looked at for a stranger. */
const isTheirs = (sql: Sql, { submittedBy, projectIds }: JobFilter) =>
  submittedBy ? sql`WHERE (${projectOfSubmitted(sql, submittedBy)}) = ANY (${projectIds}::uuid[])` : sql``

/** The next stride. Not "= project_id": then the primary key would have the order too, and all projects lie in its way. */
const walked = (sql: Sql, { submittedBy, state }: JobFilter, stride: number) =>
  submittedBy
    ? sql`WHERE submitted_by = ANY (whose) AND id < looked.last_id ORDER BY submitted_by, id DESC LIMIT ${stride}`
    : sql`
      WHERE project_id = ANY (whose) AND id < looked.last_id ${ofState(sql, state)}
      ORDER BY project_id, id DESC LIMIT ${stride}`

/** Bytes of its input, which only a text is looked for in. Of a large one they are known without reading it. */
const sizeRead = (sql: Sql, { text }: JobFilter) => (text === undefined ? sql`0` : sql`pg_column_size(input)`)

/** How much of each project one go looks at. What needs no look at a row is read from the index alone, a whole page of it. */
const paceOf = (filter: JobFilter, limit: number) => {
  const { projectIds, kind, queue, tag, submittedBy, text, queuedAfter, queuedBefore } = filter
  const { finishedAfter, finishedBefore } = filter
  const most = text === undefined ? MAX_LOOKED : MAX_READ
  const walks = submittedBy ? 1 : Math.max(1, projectIds.length)
  const share = Math.floor(most / walks)
  const others = [kind, queue, tag, text, queuedAfter, queuedBefore, finishedAfter, finishedBefore]
  const isPlain = others.every((it) => it === undefined)
  const stride = Math.min(MAX_STRIDE, Math.max(share, isPlain ? limit : MIN_STRIDE))
  return { stride, strides: Math.max(1, Math.ceil(share / stride)), bytes: Math.ceil(MAX_READ_BYTES / walks) }
}

/**
 * Like {@link list}, for jobs that wait or run: usually few, however many have ended since. Null when there are too many to
 * look at each; then they are near the top of the list anyway.
 */
export const listLive = async (
  sql: Sql,
  filter: JobFilter & { state: 'queued' | 'running' },
  limit: number,
): Promise<Found | null> => {
  const { projectIds } = filter
  const rows = await sql<(JobRow & { areAll: boolean })[]>`
    WITH live AS MATERIALIZED (
      ${filter.state === 'running' ? running(sql) : queued(sql, projectIds)} LIMIT ${MAX_LIVE}
    ), counted AS MATERIALIZED (
      SELECT count(*) < ${MAX_LIVE} AS are_all FROM live
    )
    SELECT are_all, jobs.* FROM counted LEFT JOIN LATERAL (
      SELECT ${rowColumns(sql)} FROM jobs
      WHERE are_all AND id = ANY (ARRAY(SELECT id FROM live)) AND project_id = ANY (${projectIds}::uuid[])
        AND id < ${start(sql, filter)} ${fits(sql, filter)}
      ORDER BY id DESC LIMIT ${limit}
    ) AS jobs ON true
    ORDER BY id DESC`
  return rows[0]?.areAll ? { jobs: rows.filter((row) => row.id !== null), lookedTo: null } : null
}

/** In the order of the index, so that no plan leaves it. */
const running = (sql: Sql) => sql`SELECT id FROM jobs WHERE state = 'running' ORDER BY lease_until`

const queued = (sql: Sql, projectIds: string[]) => sql`
  SELECT waiting.id FROM unnest(${projectIds}::uuid[]) AS member (project_id), queues, LATERAL (
    SELECT id FROM jobs
    WHERE queue = queues.name AND project_id = member.project_id AND state = 'queued' AND concurrency_key IS NULL
    ORDER BY priority, start_at LIMIT ${MAX_LIVE}
  ) AS waiting
  UNION ALL
  (SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL ORDER BY kind, start_at LIMIT ${MAX_LIVE})`

export interface LiveFilter {
  projectId: string
  state: 'blocked' | 'queued' | 'running'
  kind?: string | undefined
  queue?: string | undefined
  tag?: string | undefined
  /** The job that submitted them. */
  submittedBy?: string | undefined
}

/** The ids of a project's jobs that wait or run and fit, in any order. Those that were told to stop are left out. */
export const listLiveIds = async (sql: Sql, filter: LiveFilter, limit: number): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`${liveOf(sql, filter)} LIMIT ${limit}`
  return rows.map((row) => row.id)
}

/** Each in the order of its index, so that no plan leaves it for what has ended. */
const liveOf = (sql: Sql, { state, projectId, ...others }: LiveFilter) => {
  const own = sql`project_id = ${projectId} ${fits(sql, { ...others, projectIds: [projectId] })}`
  if (state === 'blocked')
    return sql`SELECT id FROM jobs WHERE state = 'blocked' AND ${own} ORDER BY project_id, id DESC`
  if (state === 'running')
    return sql`
      SELECT id FROM jobs WHERE state = 'running' AND cancel_requested_at IS NULL AND ${own} ORDER BY lease_until`
  return sql`
    SELECT waiting.id FROM queues, LATERAL (
      SELECT id FROM jobs WHERE queue = queues.name AND state = 'queued' AND concurrency_key IS NULL AND ${own}
      ORDER BY priority, start_at
    ) AS waiting
    UNION ALL
    (SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL AND ${own} ORDER BY kind, start_at)`
}

/** How many jobs of a tree are looked at. */
const MAX_TREE = 1_000_000

/**
 * The ids of a job, of those that it submitted, of those that these submitted and so on, as far as they wait or run, the nearest
 * first. Those that were told to stop are left out. The children of each are found by their index: with a join, all jobs would
 * be read for each level.
 */
export const listLiveTree = async (sql: Sql, rootId: string, limit: number): Promise<string[]> => {
  const columns = sql`id, state, cancel_requested_at AS asked`
  const rows = await sql<{ id: string }[]>`
    WITH RECURSIVE tree (id, state, asked) AS (
      SELECT ${columns} FROM jobs WHERE id = ${rootId}
      UNION ALL
      SELECT submitted.* FROM tree, LATERAL (
        SELECT ${columns} FROM jobs WHERE submitted_by = tree.id ORDER BY submitted_by, id DESC OFFSET 0
      ) AS submitted
    )
    SELECT id FROM (SELECT * FROM tree LIMIT ${MAX_TREE}) AS looked
    WHERE state IN ('blocked', 'queued') OR state = 'running' AND asked IS NULL LIMIT ${limit}`
  return rows.map((row) => row.id)
}

/** To which projects jobs belong. */
export const listProjects = (sql: Sql, ids: string[]): Promise<{ id: string; projectId: string }[]> => sql`
  SELECT id, project_id FROM jobs WHERE id = ANY (${ids}::uuid[])`

/** To which project the jobs belong that a job submitted; null if there are none. */
export const findProjectOfSubmitted = async (sql: Sql, submittedBy: string): Promise<string | null> => {
  const [row] = await projectOfSubmitted(sql, submittedBy)
  return row?.projectId ?? null
}

const projectOfSubmitted = (sql: Sql, submittedBy: string) => sql<{ projectId: string }[]>`
  SELECT project_id FROM jobs WHERE submitted_by = ANY (ARRAY[${submittedBy}::uuid]) ORDER BY submitted_by, id DESC LIMIT 1`

/** Jobs before it are looked at. */
const start = (sql: Sql, { before, idTo }: JobFilter) => sql`
  least(${before ?? null}::uuid, ${idTo ?? null}::uuid, ${LAST_ID})`

/** What else is asked for. */
const fits = (sql: Sql, filter: JobFilter) => {
  const { projectIds, submittedBy, state, kind, queue, tag, text, queuedAfter, queuedBefore, idFrom } = filter
  const { finishedAfter, finishedBefore } = filter
  return sql`
  ${submittedBy ? sql`AND submitted_by = ${submittedBy} AND project_id = ANY (${projectIds}::uuid[])` : sql``}
  ${state ? sql`AND state = ${state}` : sql``}
  ${idFrom ? sql`AND id >= ${idFrom}` : sql``}
  ${kind ? sql`AND kind = ${kind}` : sql``}
  ${queue ? sql`AND queue = ${queue}` : sql``}
  ${tag ? sql`AND tags @> ARRAY[${tag}::text]` : sql``}
  ${queuedAfter ? sql`AND queued_at >= ${queuedAfter}` : sql``}
  ${queuedBefore ? sql`AND queued_at < ${queuedBefore}` : sql``}
  ${finishedAfter ? sql`AND finished_at >= ${finishedAfter}` : sql``}
  ${finishedBefore ? sql`AND finished_at < ${finishedBefore}` : sql``}
  ${text === undefined ? sql`` : sql`AND (${holds(sql, sql`name`, text)} OR ${holds(sql, sql`left(input::text, ${MAX_SEARCHED})`, text)})`}`
}

const holds = (sql: Sql, value: ReturnType<Sql>, text: string) => sql`strpos(lower(${value}), lower(${text})) > 0`

/**
 * States with an index in the list's order; jobs that end well are in none of them, which would cost each of them. It is
 * written out, for a plan that is made before it is known what is asked for.
 */
const ofState = (sql: Sql, state: JobState | undefined) => {
  if (state === 'blocked') return sql`AND state = 'blocked'`
  if (state === 'failed') return sql`AND state = 'failed'`
  return state === 'cancelled' ? sql`AND state = 'cancelled'` : sql``
}
