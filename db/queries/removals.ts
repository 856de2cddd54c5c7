import type { Sql } from '../client.ts'
import { namedByInput } from './files.ts'
import type { JobState } from './jobs.ts'
import { orphan } from './orphaned-objects.ts'

/** A job that a live one runs after. */
const isNeeded = (sql: Sql) => sql`
  EXISTS (
    SELECT FROM job_dependencies JOIN jobs AS child ON child.id = job_dependencies.child_id
    WHERE job_dependencies.parent_id = jobs.id AND child.state IN ('blocked', 'queued', 'running')
  )`

/**
 * An ended job that nothing holds back: its events are published, and no live job runs after it. NOT EXISTS, since
 * Postgres goes through a NOT IN for each job anew once more events wait than its memory holds.
 */
const isFree = (sql: Sql) => sql`
  state IN ('succeeded', 'failed', 'cancelled')
  AND NOT EXISTS (SELECT FROM (SELECT unnest(job_ids) AS job_id FROM outbox) AS noted WHERE noted.job_id = jobs.id)
  AND NOT (has_children AND ${isNeeded(sql)})`

export interface Expired {
  /** Jobs may be older than this. */
  days: number
  /** From behind this id. */
  after: string
  /** At most so many jobs, and so many events of theirs. */
  limit: number
  maxEvents: number
}

/**
 * Jobs that ended more than so many days ago and are free to go, in id order. Ids are made in the order of time, so
 * those that may be old enough are the first ones of the primary key, and no index on the hot table is needed.
 */
export const listExpired = async (sql: Sql, { days, after, limit, maxEvents }: Expired): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH old AS (
      SELECT id, event_seq FROM jobs
      WHERE id > ${after}
        -- A value and not a join: the index must end there, or what is younger is all read.
        AND id < (SELECT rpad(lpad(to_hex((extract(epoch FROM now() - ${days} * interval '1 day') * 1000)::bigint), 12, '0'), 32, '0')::uuid)
        AND finished_at < now() - ${days} * interval '1 day' AND ${isFree(sql)}
      ORDER BY id LIMIT ${limit}
    )
    SELECT id FROM (SELECT id, sum(event_seq) OVER (ORDER BY id) - event_seq AS before FROM old) AS counted
    WHERE before < ${maxEvents} ORDER BY id`
  return rows.map((row) => row.id)
}

/** Jobs of one project that are free to go, in id order, from behind an id. At most so many, and so many events of theirs. */
export const listOfProject = async (
  sql: Sql,
  projectId: string,
  { after, limit, maxEvents }: Omit<Expired, 'days'>,
): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH free AS (
      SELECT id, event_seq FROM jobs WHERE project_id = ${projectId} AND id > ${after} AND ${isFree(sql)}
      ORDER BY id LIMIT ${limit}
    )
    SELECT id FROM (SELECT id, sum(event_seq) OVER (ORDER BY id) - event_seq AS before FROM free) AS counted
    WHERE before < ${maxEvents} ORDER BY id`
  return rows.map((row) => row.id)
}

/** Locks jobs that are to be removed, in id order; those that somebody else holds are left out. @returns which */
export const lock = async (sql: Sql, ids: string[]): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED`
  return rows.map((row) => row.id)
}

/** Those of locked jobs that are still free to go, and ended more than so many days ago if that is asked for. */
export const listFree = async (sql: Sql, ids: string[], days: number | null): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM jobs WHERE id = ANY (${ids}::uuid[]) AND ${isFree(sql)}
    ${days === null ? sql`` : sql`AND finished_at < now() - ${days} * interval '1 day'`}
    ORDER BY id`
  return rows.map((row) => row.id)
}

export interface Removable {
  state: JobState
  unpublished: boolean
  /** A job that hasn't ended runs after it. */
  needed: boolean
}

/** Locks one job, and waits for whoever holds it. */
export const lockOne = async (sql: Sql, id: string): Promise<void> => {
  await sql`SELECT FROM jobs WHERE id = ${id} FOR UPDATE`
}

/** What holds a locked job back. A statement of its own, so that it sees what others committed before the lock. */
export const inspect = async (sql: Sql, id: string): Promise<Removable | null> => {
  const [row] = await sql<Removable[]>`
    SELECT state,
      EXISTS (SELECT FROM outbox WHERE jobs.id = ANY (job_ids)) AS unpublished,
      ${isNeeded(sql)} AS needed
    FROM jobs WHERE id = ${id}`
  return row ?? null
}

/**
 * Which of these jobs made a file that a live job of the project names in its input. One branch for each partial index
 * of live jobs; of other projects no input is read, and nothing at all when no file was made.
 */
export const listWithFilesInUse = async (sql: Sql, ids: string[]): Promise<string[]> => {
  const ofConcerned = sql`project_id IN (SELECT project_id FROM concerned)`
  const rows = await sql<{ jobId: string }[]>`
    WITH made AS MATERIALIZED (
      SELECT id::text AS file_id, project_id, job_id FROM files WHERE job_id = ANY (${ids}::uuid[])
    ), concerned AS MATERIALIZED (
      SELECT DISTINCT project_id FROM made
    ), live AS (
      -- Without the OFFSET a plan may go through those of all projects.
      SELECT waiting.* FROM concerned, queues, LATERAL (
        SELECT project_id, input FROM jobs
        WHERE queue = queues.name AND project_id = concerned.project_id AND state = 'queued' AND concurrency_key IS NULL
        OFFSET 0
      ) AS waiting
      UNION ALL
      SELECT project_id, input FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL AND ${ofConcerned}
      UNION ALL
      SELECT project_id, input FROM jobs WHERE state = 'running' AND ${ofConcerned}
      UNION ALL
      SELECT project_id, input FROM jobs WHERE state = 'blocked' AND ${ofConcerned}
    )
    -- Without the OFFSET a plan for whatever ids are given goes through all that were made for each live job.
    SELECT DISTINCT made.job_id
    FROM (SELECT project_id, file_id FROM live, ${namedByInput(sql)} WHERE EXISTS (SELECT FROM made) OFFSET 0) AS used
    JOIN made USING (project_id, file_id)`
  return rows.map((row) => row.jobId)
}

/** Removes the oldest lines of locked jobs that are about to go, at most `limit`: a job can have more than one statement should. */
export const removeLogs = async (sql: Sql, ids: string[], limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM job_logs
    WHERE id = ANY (ARRAY (SELECT id FROM job_logs WHERE job_id = ANY (${ids}::uuid[]) ORDER BY id LIMIT ${limit}))`
  return rows.count
}

/**
 * Removes locked jobs that are free to go, with all that belongs to them. Must follow the lock in the same transaction
 * as a statement of its own, so that it sees what others committed before the lock. The objects of their files become
 * orphans. @returns how many jobs are gone
 */
export const remove = async (sql: Sql, ids: string[]): Promise<number> => {
  const rows = await sql`
    WITH doomed AS MATERIALIZED (
      SELECT id FROM jobs WHERE id = ANY (${ids}::uuid[]) AND ${isFree(sql)}
    ), no_stints AS (
      DELETE FROM stints USING doomed WHERE job_id = doomed.id
    ), no_logs AS (
      DELETE FROM job_logs USING doomed WHERE job_id = doomed.id
    ), no_events AS (
      DELETE FROM events USING doomed WHERE job_id = doomed.id
    ), no_parents AS (
      DELETE FROM job_dependencies USING doomed WHERE child_id = doomed.id
    ), no_children AS (
      DELETE FROM job_dependencies USING doomed
      WHERE parent_id = doomed.id AND child_id NOT IN (SELECT id FROM doomed)
    ), no_keys AS (
      -- By an array: a join with few jobs might read the keys of everybody.
      DELETE FROM idempotency_keys WHERE project_id = ANY (ARRAY (SELECT id FROM doomed))
    ), counted AS (
      DELETE FROM uncounted_parents USING doomed WHERE job_id = doomed.id
    ), removed AS (
      DELETE FROM files USING doomed WHERE job_id = doomed.id RETURNING object_key
    ), orphaned AS (
      ${orphan(sql)}
    )
    DELETE FROM jobs USING doomed WHERE jobs.id = doomed.id`
  return rows.count
}
