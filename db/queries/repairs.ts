import type { Sql } from '../client.ts'

/** The parents of blocked jobs that have ended although their edge is open, in id order. */
export const listUncountedParents = async (sql: Sql, childIds: string[]): Promise<string[]> => {
  const rows = await sql<{ parentId: string }[]>`
    SELECT DISTINCT parent_id FROM job_dependencies JOIN jobs AS parents ON parents.id = job_dependencies.parent_id
    WHERE child_id = ANY (${childIds}::uuid[]) AND settled_at IS NULL
      AND parents.state IN ('succeeded', 'failed', 'cancelled')
    ORDER BY parent_id`
  return rows.map((row) => row.parentId)
}

/** Removes open edges to parents that are gone. */
export const dropDangling = async (sql: Sql, childIds: string[]): Promise<void> => {
  await sql`
    DELETE FROM job_dependencies
    WHERE child_id = ANY (${childIds}::uuid[]) AND settled_at IS NULL
      AND NOT EXISTS (SELECT FROM jobs WHERE jobs.id = job_dependencies.parent_id)`
}

export const lockBlocked = async (sql: Sql, ids: string[]): Promise<void> => {
  await sql`SELECT FROM jobs WHERE id = ANY (${ids}::uuid[]) AND state = 'blocked' ORDER BY id FOR UPDATE`
}

/**
 * Counts anew what locked blocked jobs wait for; one that waits for nothing is queued. A statement after the lock, so
 * that it sees what others counted before.
 * @returns those that came free
 */
export const recount = (sql: Sql, ids: string[]): Promise<{ queue: string; delayMs: number }[]> => sql`
  WITH counted AS MATERIALIZED (
    SELECT jobs.id, (
      SELECT count(*) FROM job_dependencies WHERE child_id = jobs.id AND settled_at IS NULL
    )::integer AS open
    FROM jobs WHERE id = ANY (${ids}::uuid[]) AND state = 'blocked'
  ), recounted AS (
    UPDATE jobs SET
      waits_for = open,
      state = CASE open WHEN 0 THEN 'queued' ELSE 'blocked' END,
      start_at = greatest(start_at, now()),
      event_seq = event_seq + CASE open WHEN 0 THEN 1 ELSE 0 END
    FROM counted WHERE jobs.id = counted.id AND (open = 0 OR open <> waits_for)
    RETURNING jobs.id, project_id, kind, queue, name, state, attempt, event_seq, start_at
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.queued', jsonb_build_object(
      'kind', kind, 'queue', queue, 'name', name, 'attempt', attempt, 'startAt', start_at, 'reason', 'recounted')
    FROM recounted WHERE state = 'queued'
  )
  SELECT queue, greatest(0, extract(epoch FROM start_at - now()) * 1000)::bigint AS delay_ms
  FROM recounted WHERE state = 'queued'`

/** Removes rows of uploads that never came. */
export const dropUploads = async (sql: Sql, ids: string[]): Promise<number> => {
  const rows = await sql`DELETE FROM files WHERE id = ANY (${ids}::uuid[]) AND size_bytes IS NULL`
  return rows.count
}
