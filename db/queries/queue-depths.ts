import type { Sql } from '../client.ts'

export interface QueueDepth {
  name: string
  pausedAt: Date | null
  /** Jobs that could start now. */
  queued: number
  /** Jobs that are due later. */
  delayed: number
  running: number
  /** How long the longest waiting of the startable ones has been due; null when there is none. */
  oldestDueSeconds: number | null
}

/**
 * How much waits and runs in each queue. Reads the partial indexes on waiting and running jobs and never an ended one,
 * however many there are.
 */
export const list = (sql: Sql): Promise<QueueDepth[]> => sql`
  WITH waiting AS (
    SELECT queue, start_at FROM jobs WHERE state = 'queued' AND concurrency_key IS NULL
    UNION ALL
    SELECT queue, start_at FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL
  ), depths AS (
    SELECT queue, count(*) FILTER (WHERE start_at <= now()) AS queued, count(*) FILTER (WHERE start_at > now()) AS delayed,
           min(start_at) AS oldest
    FROM waiting GROUP BY queue
  ), busy AS (
    SELECT queue, count(*) AS running FROM jobs WHERE state = 'running' GROUP BY queue
  )
  SELECT name, paused_at, coalesce(queued, 0)::integer AS queued, coalesce(delayed, 0)::integer AS delayed,
         coalesce(running, 0)::integer AS running,
         CASE WHEN oldest <= now() THEN extract(epoch FROM now() - oldest)::double precision END AS oldest_due_seconds
  FROM queues
  LEFT JOIN depths ON depths.queue = queues.name
  LEFT JOIN busy ON busy.queue = queues.name
  ORDER BY name`
