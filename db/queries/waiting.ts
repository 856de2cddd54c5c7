import type { Sql } from '../client.ts'

/** What a job waits for, as far as rows tell. */
export interface WaitingRow {
  /** The database's clock. */
  now: Date
  queuePaused: boolean
  /** Parents whose end is not counted here, at most ten of them. */
  parents: string[]
  /** Startable jobs ahead of it, counted up to `most`: of its project, or of its kind if that has limits. */
  ahead: number
  /** Jobs of its kind and of its key that run now; null for a kind without limits. */
  running: number | null
  runningOfKey: number | null
  concurrencyKey: string | null
  /** How many starts its kind's rate had left at the last claim, and how many seconds ago that was; null before the first. */
  tokens: number | null
  tokensAgeSeconds: number | null
  /** Jobs that its queue started in the last minute. */
  startedPerMinute: number
}

/** The row of a job that waits; null if it is gone. */
export const get = async (sql: Sql, jobId: string, most: number): Promise<WaitingRow | null> => {
  const [row] = await sql<WaitingRow[]>`
    SELECT now(), queues.paused_at IS NOT NULL AS queue_paused,
      CASE WHEN job.state = 'blocked' THEN ARRAY(
        SELECT parent_id::text FROM job_dependencies WHERE child_id = job.id AND settled_at IS NULL ORDER BY parent_id LIMIT 10
      ) ELSE '{}' END AS parents,
      CASE WHEN job.state = 'queued' AND job.concurrency_key IS NULL THEN (
        SELECT count(*)::integer FROM (
          SELECT FROM generate_series(10, job.priority, -1) AS level (priority), LATERAL (
            SELECT FROM jobs
            WHERE queue = job.queue AND state = 'queued' AND concurrency_key IS NULL AND project_id = job.project_id
              AND priority = level.priority AND start_at <= now()
              -- Not with OR, which would not bound the index scan: all due jobs behind it would be read too.
              AND (start_at, id) < (CASE WHEN level.priority > job.priority THEN 'infinity' ELSE job.start_at END, job.id)
            LIMIT ${most}
          ) AS before
          LIMIT ${most}
        ) AS counted
      ) WHEN job.state = 'queued' THEN (
        SELECT count(*)::integer FROM (
          SELECT FROM jobs
          WHERE kind = job.kind AND state = 'queued' AND concurrency_key IS NOT NULL AND start_at <= now()
            AND (start_at, id) < (job.start_at, job.id)
          LIMIT ${most}
        ) AS before
      ) ELSE 0 END AS ahead,
      CASE WHEN job.concurrency_key IS NOT NULL THEN (
        SELECT count(*)::integer FROM jobs WHERE kind = job.kind AND state = 'running' AND concurrency_key IS NOT NULL
      ) END AS running,
      CASE WHEN job.concurrency_key IS NOT NULL THEN (
        SELECT count(*)::integer FROM jobs
        WHERE kind = job.kind AND state = 'running' AND concurrency_key = job.concurrency_key
      ) END AS running_of_key,
      job.concurrency_key, limits.tokens, extract(epoch FROM now() - limits.refilled_at)::double precision AS tokens_age_seconds,
      (SELECT coalesce(sum(jobs), 0)::integer FROM queue_pace
        WHERE queue = job.queue AND at > now() - interval '1 minute') AS started_per_minute
    FROM jobs AS job JOIN queues ON queues.name = job.queue LEFT JOIN limits ON limits.kind = job.kind
    WHERE job.id = ${jobId}`
  return row ?? null
}

/** Forgets the pace of more than ten minutes ago. */
export const prunePace = async (sql: Sql): Promise<void> => {
  await sql`DELETE FROM queue_pace WHERE at < now() - interval '10 minutes'`
}
