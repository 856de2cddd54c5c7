import type { Sql } from '../client.ts'

/**
 * Queues that are not paused and in which a job has been startable for longer than `overdueSeconds`, with how many
 * there are (counted up to `atMost`). Hops over projects and levels of priority by index, so delayed jobs cost nothing.
 */
export const listOverdue = (
  sql: Sql,
  overdueSeconds: number,
  atMost: number,
): Promise<{ queue: string; startable: number }[]> => sql`
  WITH RECURSIVE waiting (queue, project_id) AS (
    SELECT queues.name, first.project_id FROM queues, LATERAL (
      SELECT project_id FROM jobs WHERE queue = queues.name AND state = 'queued' ORDER BY project_id LIMIT 1
    ) AS first
    WHERE queues.paused_at IS NULL
    UNION ALL
    SELECT waiting.queue, next.project_id FROM waiting, LATERAL (
      SELECT project_id FROM jobs
      WHERE queue = waiting.queue AND state = 'queued' AND project_id > waiting.project_id ORDER BY project_id LIMIT 1
    ) AS next
  )
  SELECT waiting.queue, least(count(*), ${atMost})::integer AS startable
  FROM waiting, generate_series(10, -10, -1) AS level (priority), LATERAL (
    SELECT FROM jobs
    WHERE queue = waiting.queue AND state = 'queued' AND project_id = waiting.project_id AND priority = level.priority
      AND start_at < now() - ${overdueSeconds} * interval '1 second'
    LIMIT ${atMost}
  ) AS startable
  GROUP BY waiting.queue`
