import type { Sql } from '../client.ts'
import type { Cancelled } from './jobs.ts'

/**
 * Whether a job of the table `jobs` may still start; once started, it never expires. There is no index for this: if a hundred
 * thousand jobs expire at once, each claim reads those at the head of its queue, once, until the sweep has cancelled them.
 * It is not bounded: the jobs behind them would have to wait for the sweep.
 */
export const mayStart = (sql: Sql) => sql`(expires_at IS NULL OR expires_at > now() OR stint > 0)`

/** Whether a job of the table `jobs` has expired and has not been cancelled yet. */
export const hasExpired = (sql: Sql) => sql`expires_at <= now() AND stint = 0 AND state IN ('blocked', 'queued')`

/** Expired jobs, at most this many, in the order in which they expired. */
export const list = async (sql: Sql, limit: number): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM jobs WHERE ${hasExpired(sql)} ORDER BY expires_at LIMIT ${limit}`
  return rows.map((row) => row.id)
}

/**
 * Cancels those of the jobs that have expired, locked in id order: somebody may have changed them meanwhile. They are locked by
 * id alone: otherwise a plan made while few have expired would read all expired ones, for each batch.
 * @returns the cancelled ones
 */
export const cancel = (sql: Sql, ids: string[]): Promise<Cancelled[]> => sql`
  WITH held AS MATERIALIZED (
    SELECT id, ${hasExpired(sql)} AS expired FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE
  ), cancelled AS (
    UPDATE jobs SET
      state = 'cancelled', finished_at = now(), event_seq = event_seq + 1,
      error = jsonb_build_object('code', 'EXPIRED', 'message', 'nobody had started it when it expired')
    WHERE id = ANY (ARRAY (SELECT id FROM held WHERE expired))
    RETURNING id, kind, project_id, event_seq, state, has_children, error, expires_at
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.cancelled', jsonb_build_object(
      'stint', 0, 'stopped', 'before it ran', 'reason', 'expired', 'expiresAt', expires_at, 'error', error)
    FROM cancelled
  )
  SELECT id, kind, state, has_children, true AS changed, true AS expired FROM cancelled`
