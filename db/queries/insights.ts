import type { Sql } from '../client.ts'
import type { JobState } from './jobs.ts'

// What people look at, counted from rows. Each query reads a bounded number of them, however many there are.

export interface ActivityBucket {
  at: Date
  succeeded: number
  failed: number
  cancelled: number
  waitMsP50: number | null
  waitMsP95: number | null
  runMsP50: number | null
  runMsP95: number | null
}

/** Jobs of a state are counted up to here. */
const MAX_COUNTED = 10_000

/**
 * Jobs of a project that are looked at: the newest for its activity, and of those that failed or were cancelled as many, the
 * oldest for how many ended.
 */
const NEWEST = 10_000
const OLDEST = 20_000
/** The same of all projects together. */
const MAX_LOOKED = 100_000

/** Each project has the same share of what may be read. */
const share = (projectIds: string[], most: number, ofAll = MAX_LOOKED): number =>
  Math.min(most, Math.ceil(ofAll / Math.max(1, projectIds.length)))

/**
 * How many jobs ended in each of `count` spans until now, how long they had waited and how long they ran. Jobs before
 * `idFrom` are left out. Failures and cancels have an index of their own, so no number of successes hides them.
 * @returns `areAll` is false if there may be more successes, of jobs that are older than those that were looked at
 */
export const listActivity = async (
  sql: Sql,
  projectIds: string[],
  { idFrom, bucketSeconds, count }: { idFrom: string; bucketSeconds: number; count: number },
): Promise<{ buckets: ActivityBucket[]; areAll: boolean }> => {
  const most = share(projectIds, NEWEST)
  const columns = sql`state, run_ms, start_at, started_at, finished_at`
  /** Written out as in `unsuccessful`. */
  const ended = (isSo: ReturnType<Sql>) => sql`
    SELECT ${columns} FROM unnest(${projectIds}::uuid[]) AS member (project_id), LATERAL (
      SELECT ${columns} FROM jobs WHERE project_id = ANY (ARRAY[member.project_id]) AND ${isSo} AND id >= ${idFrom}
      ORDER BY project_id, id DESC LIMIT ${most}
    ) AS theirs`
  const rows = await sql<(ActivityBucket & { areAll: boolean })[]>`
    WITH spans AS (
      SELECT date_bin(step, now(), 'epoch') - nth * step AS at
      FROM (SELECT make_interval(secs => ${bucketSeconds}) AS step) AS steps, generate_series(0, ${count - 1}) AS nth
    ), newest AS MATERIALIZED (
      SELECT member.project_id, ${columns} FROM unnest(${projectIds}::uuid[]) AS member (project_id), LATERAL (
        SELECT ${columns} FROM jobs
        WHERE jobs.project_id = member.project_id AND id >= ${idFrom} ORDER BY id DESC LIMIT ${most}
      ) AS theirs
    ), ended AS MATERIALIZED (
      SELECT date_bin(make_interval(secs => ${bucketSeconds}), finished_at, 'epoch') AS at, state, run_ms,
             -- Of a job that came back to the queue, start_at tells of its latest wait and started_at of its first.
             CASE WHEN start_at <= started_at THEN extract(epoch FROM started_at - start_at) * 1000 END AS wait_ms,
             started_at IS NOT NULL AS ran
      FROM (
        SELECT ${columns} FROM newest WHERE state = 'succeeded'
        UNION ALL ${ended(sql`state = 'failed'`)}
        UNION ALL ${ended(sql`state = 'cancelled'`)}
      ) AS jobs
      WHERE finished_at >= (SELECT min(at) FROM spans)
    )
    SELECT spans.at,
           count(*) FILTER (WHERE state = 'succeeded')::integer AS succeeded,
           count(*) FILTER (WHERE state = 'failed')::integer AS failed,
           count(*) FILTER (WHERE state = 'cancelled')::integer AS cancelled,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_ms)::integer AS wait_ms_p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY wait_ms)::integer AS wait_ms_p95,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY run_ms) FILTER (WHERE ran)::integer AS run_ms_p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY run_ms) FILTER (WHERE ran)::integer AS run_ms_p95,
           NOT EXISTS (SELECT FROM newest GROUP BY project_id HAVING count(*) >= ${most}) AS are_all
    FROM spans LEFT JOIN ended ON ended.at = spans.at
    GROUP BY spans.at ORDER BY spans.at`
  return { buckets: rows.map(({ areAll: _, ...bucket }) => bucket), areAll: rows.every(({ areAll }) => areAll) }
}

export interface LiveCounts {
  blocked: number
  queued: number
  running: number
  /** A state that shows this many has at least this many. */
  countedUpTo: number
}

/** How many jobs wait and run. Each count goes by the index of its state. */
export const countLive = async (sql: Sql, projectIds: string[], queues: readonly string[]): Promise<LiveCounts> => {
  const [row] = await sql<[Omit<LiveCounts, 'countedUpTo'>]>`
    SELECT (
      SELECT count(*)::integer FROM (
        SELECT FROM jobs WHERE project_id = ANY (${projectIds}::uuid[]) AND state = 'blocked' LIMIT ${MAX_COUNTED}
      ) AS blocked
    ) AS blocked, (
      SELECT count(*)::integer FROM (
        SELECT FROM jobs
        WHERE queue = ANY (${[...queues]}::text[]) AND project_id = ANY (${projectIds}::uuid[]) AND state = 'queued'
          AND concurrency_key IS NULL
        UNION ALL
        SELECT FROM jobs
        WHERE project_id = ANY (${projectIds}::uuid[]) AND state = 'queued' AND concurrency_key IS NOT NULL
        LIMIT ${MAX_COUNTED}
      ) AS queued
    ) AS queued, (
      SELECT count(*)::integer FROM (
        SELECT FROM jobs WHERE project_id = ANY (${projectIds}::uuid[]) AND state = 'running' LIMIT ${MAX_COUNTED}
      ) AS running
    ) AS running`
  return { ...row, countedUpTo: MAX_COUNTED }
}

export interface EndedCounts {
  succeeded: number
  failed: number
  cancelled: number
  /** Of these there may be more: no more are counted, or not all jobs were looked at. */
  atLeast: ('succeeded' | 'failed' | 'cancelled')[]
}

/**
 * How many jobs ended how, of all that are kept. Jobs that succeeded have no index of their own, so only the oldest are looked
 * at: those of a backlog that is worked off have ended.
 */
export const countEnded = async (sql: Sql, projectIds: string[]): Promise<EndedCounts> => {
  const looked = share(projectIds, OLDEST)
  const [row] = await sql<[Omit<EndedCounts, 'atLeast'> & { areAll: boolean }]>`
    SELECT least(coalesce(sum(succeeded), 0), ${MAX_COUNTED})::integer AS succeeded,
           coalesce(bool_and(jobs < ${looked}), true) AS are_all,
           (${unsuccessful(sql, projectIds, sql`state = 'failed'`)}) AS failed,
           (${unsuccessful(sql, projectIds, sql`state = 'cancelled'`)}) AS cancelled
    FROM unnest(${projectIds}::uuid[]) AS member (project_id), LATERAL (
      SELECT count(*) AS jobs, count(*) FILTER (WHERE state = 'succeeded') AS succeeded FROM (
        SELECT state FROM jobs
        -- Not "= project_id": then the primary key would have the order too, and all projects lie in its way.
        WHERE project_id = ANY (ARRAY[member.project_id]) ORDER BY project_id DESC, id LIMIT ${looked}
      ) AS oldest
    ) AS theirs`
  const { areAll, ...counts } = row
  const states = ['succeeded', 'failed', 'cancelled'] as const
  const isMore = (it: (typeof states)[number]): boolean => counts[it] >= MAX_COUNTED || (it === 'succeeded' && !areAll)
  return { ...counts, atLeast: states.filter(isMore) }
}

/** Written out, for a plan that is made before it is known what is asked for; in the order of the index of these states. */
const unsuccessful = (sql: Sql, projectIds: string[], isSo: ReturnType<Sql>) => sql`
  SELECT count(*)::integer FROM (
    SELECT FROM unnest(${projectIds}::uuid[]) AS member (project_id), LATERAL (
      SELECT FROM jobs WHERE project_id = ANY (ARRAY[member.project_id]) AND ${isSo}
      ORDER BY project_id, id DESC LIMIT ${MAX_COUNTED}
    ) AS theirs LIMIT ${MAX_COUNTED}
  ) AS counted`

export interface FailureGroup {
  fingerprint: string
  kind: string
  code: string
  /** The message without its numbers, ids and quoted names. */
  message: string
  /** The message of the latest of them. */
  latestMessage: string
  messagesDiffer: boolean
  count: number
  firstAt: Date
  lastAt: Date
  /** The latest of them. */
  jobIds: string[]
}

/** How many of the latest failures are grouped: of one project, and of all projects. */
const MAX_GROUPED = 5_000
const MAX_GROUPED_OF_ALL = 20_000
const JOBS_SHOWN = 100

/** Failed jobs that look alike, those first that failed last: of one kind and code, with a message that is the same but for its particulars. */
export const listFailures = (
  sql: Sql,
  projectIds: string[],
  { since, limit }: { since: Date; limit: number },
): Promise<FailureGroup[]> => sql`
  WITH failed AS MATERIALIZED (
    SELECT id, kind, finished_at, code, original,
           regexp_replace(regexp_replace(regexp_replace(original,
             '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '…', 'gi'),
             '"[^"]*"|''[^'']*''', '"…"', 'g'),
             '[0-9]+([.,:][0-9]+)*', '#', 'g') AS message
    FROM unnest(${projectIds}::uuid[]) AS member (project_id), LATERAL (
      SELECT id, kind, error->>'code' AS code, coalesce(error->>'message', '') AS original, finished_at FROM jobs
      WHERE jobs.project_id = member.project_id AND state = 'failed' AND finished_at >= ${since}
      ORDER BY finished_at DESC LIMIT ${share(projectIds, MAX_GROUPED, MAX_GROUPED_OF_ALL)}
    ) AS latest
  )
  SELECT md5(concat_ws(' ', kind, code, message)) AS fingerprint, kind, coalesce(code, '') AS code, message,
         count(*)::integer AS count, min(finished_at) AS first_at, max(finished_at) AS last_at,
         (array_agg(original ORDER BY finished_at DESC, id DESC))[1] AS latest_message,
         min(original COLLATE "C") <> max(original COLLATE "C") AS messages_differ,
         (array_agg(id ORDER BY finished_at DESC, id DESC))[1:${JOBS_SHOWN}] AS job_ids
  FROM failed GROUP BY kind, code, message ORDER BY last_at DESC LIMIT ${limit}`

export interface Relative {
  id: string
  kind: string
  name: string | null
  state: JobState
  progress: number
  /** Those of its parents that are among the relatives. */
  after: string[]
}

/** This many steps up and down are followed. */
const MAX_STEPS = 5

/**
 * A job with those that it runs after and those that run after it, the nearest first, at most `limit`. Of each this many are
 * looked at, in the order of an index, and ten times as many in all: one job may have a million others after it.
 */
export const listRelatives = (sql: Sql, id: string, limit: number): Promise<Relative[]> => sql`
  WITH RECURSIVE parents (id, steps) AS (
    SELECT ${id}::uuid, 0
    UNION
    SELECT edge.id, steps + 1 FROM parents, LATERAL (
      SELECT parent_id AS id FROM job_dependencies WHERE child_id = parents.id ORDER BY parent_id LIMIT ${limit}
    ) AS edge WHERE steps < ${MAX_STEPS}
  ), children (id, steps) AS (
    SELECT ${id}::uuid, 0
    UNION
    SELECT edge.id, steps + 1 FROM children, LATERAL (
      SELECT child_id AS id FROM job_dependencies
      -- Not "= children.id": then any order would be the index's, and a plan may read all edges that there are.
      WHERE parent_id BETWEEN children.id AND children.id ORDER BY parent_id LIMIT ${limit}
    ) AS edge WHERE steps < ${MAX_STEPS}
  ), near AS MATERIALIZED (
    SELECT id, min(steps) AS steps FROM (
      (SELECT * FROM parents LIMIT ${10 * limit}) UNION ALL (SELECT * FROM children LIMIT ${10 * limit})
    ) AS found GROUP BY id ORDER BY min(steps), id LIMIT ${limit}
  )
  SELECT job.*, coalesce((
    SELECT array_agg(parent_id ORDER BY parent_id) FROM (
      SELECT parent_id FROM job_dependencies WHERE child_id = near.id ORDER BY parent_id LIMIT ${10 * limit}
    ) AS edge WHERE parent_id IN (SELECT id FROM near)
  ), '{}') AS after
  FROM near, LATERAL (SELECT id, kind, name, state, progress FROM jobs WHERE jobs.id = near.id LIMIT 1) AS job
  ORDER BY steps, job.id`
