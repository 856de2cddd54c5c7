import type { Sql } from '../client.ts'
import { namedByInput } from './files.ts'
import type { JobState } from './jobs.ts'
import { orphan } from './orphaned-objects.ts'
import { inputs } from './schedules.ts'

/** A job that a live one runs after. */
const isNeeded = (sql: Sql) => sql`
  EXISTS (
    SELECT FROM job_dependencies JOIN jobs AS child ON child.id = job_dependencies.child_id
    WHERE job_dependencies.parent_id = jobs.id AND child.state IN ('blocked', 'queued', 'running')
  )`

/**
 * A job that a live one submitted. That one may still name it: as what its last job runs after, or because it goes on from its
 * beginning, where it submits the same again and is answered with it.
 */
const isNamed = (sql: Sql) => sql`
  submitted_by IS NOT NULL AND EXISTS (
    SELECT FROM jobs AS submitter WHERE submitter.id = jobs.submitted_by AND submitter.state IN ('blocked', 'queued', 'running')
  )`

/**
 * An ended job that may be removed: its events are published, and no live job runs after it or submitted it. NOT EXISTS, because Postgres
 * goes through a NOT IN for each job anew once more events wait than fit into its memory.
 */
const isFree = (sql: Sql) => sql`
  state IN ('succeeded', 'failed', 'cancelled')
  AND NOT EXISTS (SELECT FROM (SELECT unnest(job_ids) AS job_id FROM outbox) AS noted WHERE noted.job_id = jobs.id)
  AND NOT (has_children AND ${isNeeded(sql)})
  AND NOT (${isNamed(sql)})`

export interface Expired {
  /** Jobs may be older than this. */
  days: number
  /** Only ids after this one. */
  after: string
  /** At most this many jobs, and this many events of theirs. */
  limit: number
  maxEvents: number
}

/**
 * Jobs that ended more than this many days ago and may be removed, in id order. Ids are in the order of time, so that jobs that
 * may be old enough come first in the primary key, and the hot table needs no index for this.
 */
export const listExpired = async (sql: Sql, { days, after, limit, maxEvents }: Expired): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH old AS (
      SELECT id, event_seq FROM jobs
      WHERE id > ${after}
        -- A value and not a join: it must bound the index scan, or all younger jobs are read.
        AND id < (SELECT rpad(lpad(to_hex((extract(epoch FROM now() - ${days} * interval '1 day') * 1000)::bigint), 12, '0'), 32, '0')::uuid)
        AND finished_at < now() - ${days} * interval '1 day' AND ${isFree(sql)}
      ORDER BY id LIMIT ${limit}
    )
    SELECT id FROM (SELECT id, sum(event_seq) OVER (ORDER BY id) - event_seq AS before FROM old) AS counted
    WHERE before < ${maxEvents} ORDER BY id`
  return rows.map((row) => row.id)
}

/** Jobs of one project that may be removed, in id order, after an id: at most this many jobs, with at most this many events. */
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

/** Those of the locked jobs that may still be removed, and ended more than this many days ago if that is asked for. */
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
  /** A job that hasn't ended runs after it, or submitted it. */
  needed: boolean
}

/** Locks one job, waiting for whoever holds it. */
export const lockOne = async (sql: Sql, id: string): Promise<void> => {
  await sql`SELECT FROM jobs WHERE id = ${id} FOR UPDATE`
}

/** Why a locked job can't be removed. A statement of its own, so that it sees what others committed before the lock. */
export const inspect = async (sql: Sql, id: string): Promise<Removable | null> => {
  const [row] = await sql<Removable[]>`
    SELECT state,
      EXISTS (SELECT FROM outbox WHERE jobs.id = ANY (job_ids)) AS unpublished,
      ${isNeeded(sql)} OR ${isNamed(sql)} AS needed
    FROM jobs WHERE id = ${id}`
  return row ?? null
}

/**
 * Those of the jobs that made a file which a live job or a schedule of the project names in its input. There is a branch for each partial
 * index of live jobs; inputs of other projects are not read, and none at all if the jobs made no files.
 */
export const listWithFilesInUse = async (sql: Sql, ids: string[]): Promise<string[]> => {
  const ofConcerned = sql`project_id IN (SELECT project_id FROM concerned)`
  const rows = await sql<{ jobId: string }[]>`
    WITH made AS MATERIALIZED (
      SELECT id::text AS file_id, project_id, job_id FROM files WHERE job_id = ANY (${ids}::uuid[])
    ), concerned AS MATERIALIZED (
      SELECT DISTINCT project_id FROM made
    ), live AS (
      -- Without the OFFSET, a plan may go through the live jobs of all projects.
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
      UNION ALL
      SELECT project_id, input FROM ${inputs(sql)} WHERE ${ofConcerned}
    )
    -- Without the OFFSET, a generic plan goes through all of these files for each live job.
    SELECT DISTINCT made.job_id
    FROM (SELECT project_id, file_id FROM live, ${namedByInput(sql)} WHERE EXISTS (SELECT FROM made) OFFSET 0) AS used
    JOIN made USING (project_id, file_id)`
  return rows.map((row) => row.jobId)
}

/** Removes the oldest log lines of locked jobs, at most `limit`: a job can have more than one statement should remove. */
export const removeLogs = async (sql: Sql, ids: string[], limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM job_logs
    WHERE id = ANY (ARRAY (SELECT id FROM job_logs WHERE job_id = ANY (${ids}::uuid[]) ORDER BY id LIMIT ${limit}))`
  return rows.count
}

/**
 * Removes those of the locked jobs that may be removed, with all that belongs to them. Must be a statement of its own after the
 * lock, in the same transaction, so that it sees what others committed before the lock. The S3 objects of their files become
 * orphans. @returns how many jobs were removed
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
      -- By an array: a join, even with few jobs, might read all keys.
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
