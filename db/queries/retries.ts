import type { Sql } from '../client.ts'
import type { JobState } from './jobs.ts'

/** What has to be known of a job before it is retried. */
export interface Ended {
  id: string
  projectId: string
  state: JobState
  hasParents: boolean
  uniqueKey: string | null
}

export const list = (sql: Sql, ids: string[]): Promise<Ended[]> => sql`
  SELECT id, project_id, state, has_parents, unique_key FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id`

/**
 * Locks jobs that are to be retried, and the parents of some of them, so that no parent ends while it is looked at. All of
 * them together in id order, like a cancel: parents are mostly older than their children.
 * @returns the states of the jobs, now that they are locked
 */
export const lock = (sql: Sql, ids: string[], childIds: string[]): Promise<{ id: string; state: JobState }[]> => sql`
  WITH held AS MATERIALIZED (
    SELECT id, state FROM jobs
    WHERE id = ANY (
      ${ids}::uuid[] || ARRAY (SELECT parent_id FROM job_dependencies WHERE child_id = ANY (${childIds}::uuid[]))
    )
    ORDER BY id FOR NO KEY UPDATE
  )
  SELECT id, state FROM held WHERE id = ANY (${ids}::uuid[]) ORDER BY id`

export interface Begun {
  queue: string
  state: JobState
  /** Until it is due. */
  delayMs: number
}

/**
 * Retries locked jobs that failed or were cancelled. Their stints and the numbers of their events go on, their checkpoints stay
 * unless they begin from the start, and they no longer expire. A job whose parents live, or are retried with it, is blocked
 * until they end: its edges to them are opened again. It no longer waits for parents that have ended.
 */
export const begin = (
  sql: Sql,
  jobs: { id: string; afterSeconds: number }[],
  { reason, fromStart }: { reason: 'retried' | 'redriven'; fromStart: boolean },
): Promise<Begun[]> => sql`
  WITH given AS (
    SELECT * FROM unnest(
      ${jobs.map((it) => it.id)}::uuid[],
      ${jobs.map((it) => it.afterSeconds)}::double precision[]
    ) AS given (id, after_seconds)
  ), living AS MATERIALIZED (
    SELECT child_id, parent_id FROM job_dependencies JOIN jobs AS parents ON parents.id = parent_id
    WHERE child_id IN (SELECT id FROM given)
      AND (parents.state IN ('blocked', 'queued', 'running') OR parent_id IN (SELECT id FROM given))
  ), reopened AS (
    UPDATE job_dependencies AS edges SET settled_at = NULL FROM living
    WHERE edges.child_id = living.child_id AND edges.parent_id = living.parent_id AND settled_at IS NOT NULL
  ), asked_no_more AS (
    -- Closes edges to parents that have ended. One with very many children may not be counted here yet, and would be later.
    UPDATE job_dependencies AS edges SET settled_at = now() FROM given
    WHERE edges.child_id = given.id AND settled_at IS NULL AND NOT EXISTS (
      SELECT FROM living WHERE living.child_id = edges.child_id AND living.parent_id = edges.parent_id
    )
  ), begun AS (
    UPDATE jobs SET
      state = CASE WHEN waits.parents IS NULL THEN 'queued' ELSE 'blocked' END,
      waits_for = coalesce(waits.parents, 0),
      start_at = now() + after_seconds * interval '1 second', expires_at = NULL,
      attempt = 1, crashes = 0, run_ms = 0, error = NULL, result = NULL,
      finished_at = NULL, cancel_requested_at = NULL, cancel_acknowledged_at = NULL, event_seq = event_seq + 1,
      checkpoint = CASE WHEN ${fromStart} THEN NULL ELSE checkpoint END,
      checkpoint_version = CASE WHEN ${fromStart} THEN NULL ELSE checkpoint_version END,
      partial = CASE WHEN ${fromStart} THEN NULL ELSE partial END,
      progress = CASE WHEN ${fromStart} THEN 0 ELSE progress END
    FROM given LEFT JOIN (
      SELECT child_id, count(*)::integer AS parents FROM living GROUP BY child_id
    ) AS waits ON waits.child_id = given.id
    WHERE jobs.id = given.id
    RETURNING jobs.*
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.' || state, jsonb_build_object(
      'kind', kind, 'queue', queue, 'name', name, 'attempt', attempt, 'startAt', start_at, 'waitsFor', waits_for,
      'reason', ${reason}::text)
    FROM begun
  )
  SELECT queue, state, (extract(epoch FROM start_at - now()) * 1000)::bigint AS delay_ms FROM begun`

export interface RedriveFilter {
  queue: string
  kind?: string | undefined
  tag?: string | undefined
  projectId?: string | undefined
  /** The code of the job's error. */
  code?: string | undefined
  /** RFC 3339. */
  failedAfter?: string | undefined
  failedBefore?: string | undefined
}

/** The columns `jobs` of failed jobs that a filter takes. */
const isTaken = (sql: Sql, filter: RedriveFilter) => sql`
  queue = ${filter.queue} AND state = 'failed'
  ${filter.failedAfter ? sql`AND finished_at >= ${filter.failedAfter}` : sql``}
  ${filter.failedBefore ? sql`AND finished_at < ${filter.failedBefore}` : sql``}
  ${filter.projectId ? sql`AND project_id = ${filter.projectId}` : sql``}
  ${filter.kind ? sql`AND kind = ${filter.kind}` : sql``}
  ${filter.tag ? sql`AND tags @> ARRAY[${filter.tag}::text]` : sql``}
  ${filter.code ? sql`AND error->>'code' = ${filter.code}` : sql`AND error->>'code' IS DISTINCT FROM 'PARENT_FAILED'`}
  AND NOT EXISTS (SELECT FROM projects WHERE projects.id = jobs.project_id AND deleted_at IS NOT NULL)`

/** Whether another job has the unique key, because it lives or because its time with the key isn't over yet. */
const lacksKey = (sql: Sql) => sql`
  unique_key IS NOT NULL AND EXISTS (
    SELECT FROM unique_keys AS held JOIN jobs AS holder ON holder.id = held.job_id
    WHERE held.project_id = jobs.project_id AND held.key = jobs.unique_key AND holder.id <> jobs.id
      AND (held.until >= now() OR holder.state IN ('blocked', 'queued', 'running'))
  )`

/**
 * A queue's failed jobs that can be retried, in the order in which they failed. Jobs that failed because a job before them did
 * are left out unless their code is asked for: their parents come first.
 */
export const listRedrivable = (sql: Sql, filter: RedriveFilter, limit: number): Promise<Ended[]> => sql`
  SELECT id, project_id, state, has_parents, unique_key FROM jobs
  WHERE ${isTaken(sql, filter)} AND NOT (${lacksKey(sql)})
  ORDER BY finished_at, id LIMIT ${limit}`

/**
 * How many of the jobs that a filter takes can't be retried because another job has their unique key, counted up to `atMost`:
 * of those that failed before `lastId`, or of all.
 */
export const countWithoutKey = async (
  sql: Sql,
  filter: RedriveFilter,
  lastId: string | null,
  atMost: number,
): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    SELECT count(*)::integer AS count FROM (
      SELECT FROM jobs WHERE ${isTaken(sql, filter)} AND ${lacksKey(sql)}
        ${lastId ? sql`AND finished_at <= (SELECT finished_at FROM jobs WHERE id = ${lastId})` : sql``}
      LIMIT ${atMost}
    ) AS without`
  return row.count
}
