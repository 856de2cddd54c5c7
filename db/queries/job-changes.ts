import type { Sql } from '../client.ts'
import type { JobState } from './jobs.ts'

/** What to change about a job; what is left out stays as it is. */
export interface JobChange {
  /** Null: none. */
  name?: string | null | undefined
  priority?: number | undefined
  tags?: string[] | undefined
  maxAttempts?: number | undefined
  timeoutSeconds?: number | undefined
  /** Whole seconds from now, by the database's clock. */
  delaySeconds?: number | undefined
  /** An instant instead, RFC 3339. */
  runAt?: string | undefined
  /** Whole seconds from now in which it must have started. */
  expiresInSeconds?: number | undefined
  /** An instant instead, RFC 3339. Null: it waits for as long as it takes. */
  expiresAt?: string | null | undefined
}

export interface Changed {
  state: JobState
  attempt: number
  /** How many stints have begun. */
  stint: number
  queue: string
  /** The fields that changed. */
  changed: string[]
  /** Whether it would now expire before it is due, or at once. */
  late: boolean
  /** Until it is due. */
  delayMs: number
}

/**
 * Changes a job that waits, locked first, so that nobody claims it meanwhile; one that runs or has ended is left as it is.
 * A time in the past counts as now, and changes nothing about a job that is already due: it keeps its place.
 * @returns null for an id that is no job's
 */
export const apply = async (sql: Sql, id: string, it: JobChange): Promise<Changed | null> => {
  const [row] = await sql<Changed[]>`
    WITH held AS MATERIALIZED (
      SELECT id, state, queue, attempt, stint, name, priority, tags, max_attempts, timeout_seconds, start_at, expires_at,
             coalesce(${it.runAt ?? null}::text::timestamptz,
                      now() + ${it.delaySeconds ?? null}::integer * interval '1 second') AS asked_at,
             coalesce(${it.expiresAt ?? null}::text::timestamptz,
                      now() + ${it.expiresInSeconds ?? null}::integer * interval '1 second') AS asked_expiry
      FROM jobs WHERE id = ${id} FOR NO KEY UPDATE
    ), wanted AS (
      SELECT id,
        CASE WHEN ${it.name !== undefined} THEN ${it.name ?? null}::text ELSE name END AS name,
        coalesce(${it.priority ?? null}::smallint, priority) AS priority,
        coalesce(${it.tags ?? null}::text[], tags) AS tags,
        coalesce(${it.maxAttempts ?? null}::smallint, max_attempts) AS max_attempts,
        coalesce(${it.timeoutSeconds ?? null}::integer, timeout_seconds) AS timeout_seconds,
        CASE WHEN asked_at IS NULL OR greatest(start_at, asked_at) <= now() THEN start_at
          ELSE greatest(asked_at, now()) END AS start_at,
        CASE WHEN ${it.expiresAt !== null} THEN coalesce(asked_expiry, expires_at) END AS expires_at
      FROM held
      WHERE state IN ('blocked', 'queued')
    ), compared AS (
      SELECT wanted.*, array_remove(ARRAY[
        CASE WHEN wanted.name IS DISTINCT FROM held.name THEN 'name' END,
        CASE WHEN wanted.priority <> held.priority THEN 'priority' END,
        CASE WHEN wanted.tags <> held.tags THEN 'tags' END,
        CASE WHEN wanted.max_attempts <> held.max_attempts THEN 'maxAttempts' END,
        CASE WHEN wanted.timeout_seconds <> held.timeout_seconds THEN 'timeoutSeconds' END,
        CASE WHEN wanted.start_at <> held.start_at THEN 'startAt' END,
        CASE WHEN wanted.expires_at IS DISTINCT FROM held.expires_at THEN 'expiresAt' END
      ], NULL) AS changed
      FROM held JOIN wanted USING (id)
    ), changed AS (
      UPDATE jobs SET
        name = it.name, priority = it.priority, tags = it.tags, max_attempts = it.max_attempts,
        timeout_seconds = it.timeout_seconds, start_at = it.start_at, expires_at = it.expires_at, event_seq = event_seq + 1
      FROM compared AS it WHERE jobs.id = it.id AND it.changed <> '{}'
      RETURNING jobs.id, project_id, kind, queue, jobs.name, state, attempt, event_seq, jobs.start_at, jobs.expires_at, waits_for, changed
    ), told AS (
      INSERT INTO events (job_id, project_id, seq, type, data)
      SELECT id, project_id, event_seq, 'job.' || state, jsonb_build_object(
        'kind', kind, 'queue', queue, 'name', name, 'attempt', attempt, 'startAt', start_at, 'waitsFor', waits_for,
        'reason', 'changed', 'changed', changed)
      FROM changed
    )
    SELECT held.state, held.attempt, held.stint, held.queue, coalesce(changed.changed, '{}') AS changed,
           coalesce(held.stint = 0 AND changed.changed && '{startAt,expiresAt}'
             AND changed.expires_at <= greatest(changed.start_at, now()), false) AS late,
           (greatest(0, extract(epoch FROM coalesce(changed.start_at, held.start_at) - now())) * 1000)::bigint AS delay_ms
    FROM held LEFT JOIN changed USING (id)`
  return row ?? null
}
