import type { Sql } from '../client.ts'
import type { JobState } from './jobs.ts'

/** What a job begins anew with. Its stint and the number of its events go on. */
const begunAnew = (sql: Sql, { fromStart }: { fromStart: boolean }) => sql`
  state = 'queued', attempt = 1, crashes = 0, run_ms = 0, waits_for = 0, error = NULL, result = NULL,
  finished_at = NULL, cancel_requested_at = NULL, cancel_acknowledged_at = NULL, event_seq = event_seq + 1,
  checkpoint = CASE WHEN ${fromStart} THEN NULL ELSE checkpoint END,
  checkpoint_version = CASE WHEN ${fromStart} THEN NULL ELSE checkpoint_version END,
  partial = CASE WHEN ${fromStart} THEN NULL ELSE partial END,
  progress = CASE WHEN ${fromStart} THEN 0 ELSE progress END`

/** The `job.queued` events of the rows of a CTE `requeued`. */
const told = (sql: Sql, reason: 'retried' | 'redriven') => sql`
  INSERT INTO events (job_id, project_id, seq, type, data)
  SELECT id, project_id, event_seq, 'job.queued', jsonb_build_object(
    'kind', kind, 'queue', queue, 'name', name, 'attempt', attempt, 'startAt', start_at, 'reason', ${reason}::text)
  FROM requeued`

export interface Retried {
  queue: string
  /** Before it. Only `failed` and `cancelled` jobs were queued again. */
  was: JobState
}

/**
 * Queues a failed or cancelled job again. Its checkpoint stays unless it begins from the start.
 * @returns what it was, or null if there is no such job
 */
export const retry = async (sql: Sql, id: string, options: { fromStart: boolean }): Promise<Retried | null> => {
  const [row] = await sql<Retried[]>`
    WITH target AS (
      SELECT id, queue, state AS was FROM jobs WHERE id = ${id} FOR UPDATE
    ), requeued AS (
      UPDATE jobs SET ${begunAnew(sql, options)}, start_at = now()
      FROM target WHERE jobs.id = target.id AND was IN ('failed', 'cancelled')
      RETURNING jobs.*
    ), told AS (${told(sql, 'retried')})
    SELECT queue, was FROM target`
  return row ?? null
}

export interface RedriveFilter {
  queue: string
  kind?: string | undefined
  tag?: string | undefined
  projectId?: string | undefined
  /** Of the job's error. */
  code?: string | undefined
  /** RFC 3339. */
  failedAfter?: string | undefined
  failedBefore?: string | undefined
}

/**
 * Queues a queue's failed jobs again, those first that failed first, and spreads their starts by `perSecond`. Jobs that
 * failed because a job before them did are left out unless their code is asked for: their parents come first.
 * @returns how long each has until it is due
 */
export const redrive = (
  sql: Sql,
  filter: RedriveFilter,
  { limit, perSecond }: { limit: number; perSecond: number | undefined },
): Promise<{ queue: string; delayMs: number }[]> => sql`
  WITH chosen AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE queue = ${filter.queue} AND state = 'failed'
      ${filter.failedAfter ? sql`AND finished_at >= ${filter.failedAfter}` : sql``}
      ${filter.failedBefore ? sql`AND finished_at < ${filter.failedBefore}` : sql``}
      ${filter.projectId ? sql`AND project_id = ${filter.projectId}` : sql``}
      ${filter.kind ? sql`AND kind = ${filter.kind}` : sql``}
      ${filter.tag ? sql`AND tags @> ARRAY[${filter.tag}::text]` : sql``}
      ${filter.code ? sql`AND error->>'code' = ${filter.code}` : sql`AND error->>'code' IS DISTINCT FROM 'PARENT_FAILED'`}
      AND NOT EXISTS (SELECT FROM projects WHERE projects.id = jobs.project_id AND deleted_at IS NOT NULL)
    ORDER BY finished_at LIMIT ${limit}
  ), held AS MATERIALIZED (
    SELECT jobs.id, jobs.finished_at FROM chosen JOIN jobs ON jobs.id = chosen.id
    WHERE jobs.state = 'failed' ORDER BY jobs.id FOR UPDATE OF jobs SKIP LOCKED
  ), spread AS (
    SELECT id, (row_number() OVER (ORDER BY finished_at, id) - 1) / ${perSecond ?? null}::double precision AS seconds
    FROM held
  ), requeued AS (
    UPDATE jobs SET ${begunAnew(sql, { fromStart: false })}, start_at = now() + coalesce(seconds, 0) * interval '1 second'
    FROM spread WHERE jobs.id = spread.id
    RETURNING jobs.*
  ), told AS (${told(sql, 'redriven')})
  SELECT queue, (extract(epoch FROM start_at - now()) * 1000)::bigint AS delay_ms FROM requeued`
