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

/** What of one kind one project has in a queue. */
export interface QueueLoad {
  projectId: string
  /** Null: the jobs are Stint's own. */
  projectName: string | null
  /** Whoever has owned the project for longest. */
  ownerEmail: string | null
  kind: string
  queued: number
  delayed: number
  running: number
  oldestDueSeconds: number | null
}

/** Whose jobs wait and run in a queue, the most first. Each live job of the queue costs some microseconds. */
export const listLoads = (sql: Sql, queue: string, limit: number): Promise<QueueLoad[]> => sql`
  WITH live AS (
    SELECT project_id, kind, state, start_at FROM jobs
    WHERE queue = ${queue} AND state = 'queued' AND concurrency_key IS NULL
    UNION ALL
    SELECT project_id, kind, state, start_at FROM jobs
    WHERE queue = ${queue} AND state = 'queued' AND concurrency_key IS NOT NULL
    UNION ALL
    SELECT project_id, kind, state, NULL FROM jobs WHERE queue = ${queue} AND state = 'running'
  ), loads AS (
    SELECT project_id, kind, count(*) FILTER (WHERE start_at <= now())::integer AS queued,
           count(*) FILTER (WHERE start_at > now())::integer AS delayed,
           count(*) FILTER (WHERE state = 'running')::integer AS running,
           extract(epoch FROM now() - min(start_at) FILTER (WHERE start_at <= now()))::double precision AS oldest_due_seconds
    FROM live GROUP BY project_id, kind
  )
  SELECT project_id, projects.name AS project_name, owner.email AS owner_email, kind, queued, delayed, running,
         oldest_due_seconds
  FROM loads LEFT JOIN projects ON projects.id = project_id LEFT JOIN LATERAL (
    SELECT email FROM memberships JOIN users ON users.id = user_id
    WHERE memberships.project_id = loads.project_id AND role = 'owner' ORDER BY memberships.created_at LIMIT 1
  ) AS owner ON true
  ORDER BY queued + running DESC, delayed DESC, project_id, kind LIMIT ${limit}`

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
