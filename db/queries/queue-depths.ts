import type { Sql } from '../client.ts'

export interface QueueDepth {
  name: string
  /** Jobs that wait for others. */
  blocked: number
  /** Jobs that could start now. */
  queued: number
  /** Jobs that are due later. */
  delayed: number
  running: number
  /** How long the longest waiting of the startable ones has been due; null when there is none. */
  oldestDueSeconds: number | null
}

/**
 * How much waits and runs in each queue. Reads the partial indexes on live jobs, those that wait in the order of theirs, so
 * that no plan leaves it, and never an ended one, however many there are. Each live job costs a microsecond or two.
 */
export const list = (sql: Sql): Promise<QueueDepth[]> => sql`
  WITH others AS (
    SELECT queue, state, start_at FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL
    UNION ALL
    SELECT queue, state, NULL FROM jobs WHERE state = 'running'
    UNION ALL
    SELECT queue, state, NULL FROM jobs WHERE state = 'blocked'
  ), counted AS (
    SELECT queue, count(*) FILTER (WHERE state = 'blocked') AS blocked, count(*) FILTER (WHERE start_at <= now()) AS queued,
           count(*) FILTER (WHERE start_at > now()) AS delayed, count(*) FILTER (WHERE state = 'running') AS running,
           min(start_at) AS oldest
    FROM others GROUP BY queue
  )
  SELECT queues.name, coalesce(blocked, 0)::integer AS blocked, (waiting.queued + coalesce(counted.queued, 0))::integer AS queued,
         (waiting.delayed + coalesce(counted.delayed, 0))::integer AS delayed, coalesce(running, 0)::integer AS running,
         CASE WHEN least(waiting.oldest, counted.oldest) <= now() THEN
           extract(epoch FROM now() - least(waiting.oldest, counted.oldest))::double precision
         END AS oldest_due_seconds
  FROM queues LEFT JOIN counted ON counted.queue = queues.name, LATERAL (
    SELECT count(*) FILTER (WHERE start_at <= now()) AS queued, count(*) FILTER (WHERE start_at > now()) AS delayed,
           min(start_at) AS oldest
    FROM (
      SELECT start_at FROM jobs WHERE queue = queues.name AND state = 'queued' AND concurrency_key IS NULL
      ORDER BY project_id, priority, start_at OFFSET 0
    ) AS startable
  ) AS waiting
  ORDER BY queues.name`
