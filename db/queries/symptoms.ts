import type { Sql } from '../client.ts'

/** What lies still although it shouldn't. Every statement reads an index on what is live, or stops at a limit. */

/** Running jobs whose lease ran out over this many seconds ago, up to `atMost`. */
export const countLostLeases = async (sql: Sql, overSeconds: number, atMost: number): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    SELECT count(*)::integer AS count FROM (
      SELECT FROM jobs WHERE state = 'running' AND lease_until < now() - ${overSeconds} * interval '1 second' LIMIT ${atMost}
    ) AS lost`
  return row.count
}

export interface StuckJob {
  id: string
  waitsFor: number
  /** Its edges that are not settled. */
  open: number
  /** Those of them whose parent is gone, or has ended and is not noted as one that the sweep goes on with. */
  settleable: number
}

/** Blocked jobs that nobody will free: their count is wrong, or the end of a parent was never counted. */
export const listStuck = (sql: Sql, limit: number): Promise<StuckJob[]> => sql`
  SELECT jobs.id, jobs.waits_for, edges.open, edges.settleable
  FROM (
    -- In the order of their index, so that no plan leaves it.
    SELECT id, waits_for FROM jobs WHERE state = 'blocked' ORDER BY project_id, id DESC OFFSET 0
  ) AS jobs, LATERAL (
    SELECT count(*)::integer AS open,
           count(*) FILTER (WHERE parents.id IS NULL
             OR parents.state IN ('succeeded', 'failed', 'cancelled') AND uncounted_parents.job_id IS NULL)::integer AS settleable
    FROM job_dependencies LEFT JOIN jobs AS parents ON parents.id = job_dependencies.parent_id
      LEFT JOIN uncounted_parents ON uncounted_parents.job_id = parents.id
    WHERE job_dependencies.child_id = jobs.id AND settled_at IS NULL
  ) AS edges
  WHERE edges.settleable > 0 OR edges.open <> jobs.waits_for
  ORDER BY jobs.id LIMIT ${limit}`

/** Jobs that ended over this many seconds ago and whose end is not counted at all of their children, up to `atMost`. */
export const countUncounted = async (sql: Sql, overSeconds: number, atMost: number): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    SELECT count(*)::integer AS count FROM (
      SELECT FROM uncounted_parents
      WHERE (SELECT greatest(finished_at, not_before) FROM jobs WHERE id = job_id) < now() - ${overSeconds} * interval '1 second' LIMIT ${atMost}
    ) AS uncounted`
  return row.count
}

/** Runners whose lease is over, and those of `expected` that have none. */
export const listUnheldRunners = async (
  sql: Sql,
  expected: string[],
  overSeconds: number,
): Promise<{ name: string; holder: string | null; overSeconds: number | null }[]> => sql`
  SELECT name, holder, extract(epoch FROM now() - lease_until)::integer AS over_seconds
  FROM unnest(${expected}::text[]) AS expected (name) FULL JOIN runners USING (name)
  WHERE holder IS NULL OR lease_until < now() - ${overSeconds} * interval '1 second'
  ORDER BY name`

/** Queued jobs of kinds that nobody declares: no worker ever claims them. */
export const listUnknownKinds = (sql: Sql, known: string[]): Promise<{ kind: string; jobs: number }[]> => sql`
  SELECT kind, count(*)::integer AS jobs FROM (
    SELECT kind FROM jobs WHERE state = 'queued' AND concurrency_key IS NULL
    UNION ALL
    SELECT kind FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL
  ) AS queued
  WHERE kind <> ALL (${known}::text[])
  GROUP BY kind ORDER BY kind`

export interface AbsentUpload {
  id: string
  objectKey: string
}

/** Announced uploads of which nothing is known although their URL expired long ago. */
export const listAbsentUploads = (sql: Sql, overSeconds: number, limit: number): Promise<AbsentUpload[]> => sql`
  SELECT id, object_key FROM files
  WHERE size_bytes IS NULL AND created_at < now() - ${overSeconds} * interval '1 second'
  ORDER BY id LIMIT ${limit}`

/** Schedules that make no job: their latest tick failed, or is overdue. */
export const listIllSchedules = (
  sql: Sql,
  overSeconds: number,
  limit: number,
): Promise<{ id: string; name: string; code: string | null; lateSeconds: number | null }[]> => sql`
  SELECT schedules.id, schedules.name, error->>'code' AS code,
         CASE WHEN next_at < now() THEN extract(epoch FROM now() - next_at)::integer END AS late_seconds
  FROM schedules JOIN projects ON projects.id = schedules.project_id AND projects.deleted_at IS NULL
  WHERE paused_at IS NULL AND (error IS NOT NULL OR next_at < now() - ${overSeconds} * interval '1 second')
  ORDER BY schedules.id LIMIT ${limit}`

/** Objects without a row that should be deleted by now, up to `atMost`. */
export const countOrphans = async (sql: Sql, overSeconds: number, atMost: number): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    SELECT count(*)::integer AS count FROM (
      SELECT FROM orphaned_objects WHERE orphaned_at < now() - ${overSeconds} * interval '1 second' LIMIT ${atMost}
    ) AS orphans`
  return row.count
}
