import type { Sql } from '../client.ts'
import { mayStart } from './expiries.ts'

/**
 * Hops over all queued jobs by index. `waiting` are the projects with jobs in queues that are not paused, each with the levels
 * of priority of its jobs and when the first job of a level is due; `limited` are the kinds with limits.
 */
const whereJobsWait = (sql: Sql) => sql`
  waiting (queue, project_id, priority, first_at) AS (
    SELECT queues.name, first.* FROM queues, LATERAL (
      SELECT project_id, priority, start_at FROM jobs
      WHERE queue = queues.name AND state = 'queued' AND concurrency_key IS NULL
      ORDER BY project_id, priority, start_at LIMIT 1
    ) AS first
    WHERE queues.paused_at IS NULL
    UNION ALL
    SELECT waiting.queue, next.* FROM waiting, LATERAL (
      SELECT project_id, priority, start_at FROM jobs
      WHERE queue = waiting.queue AND state = 'queued' AND concurrency_key IS NULL
        AND (project_id, priority) > (waiting.project_id, waiting.priority)
      ORDER BY project_id, priority, start_at LIMIT 1
    ) AS next
  ), limited (kind) AS (
    (SELECT kind FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT next.kind FROM limited, LATERAL (
      SELECT kind FROM jobs
      WHERE state = 'queued' AND concurrency_key IS NOT NULL AND kind > limited.kind ORDER BY kind LIMIT 1
    ) AS next
  )`

/** Jobs that have been due for a while. */
export interface Overdue {
  queue: string
  startable: number
  /** If the kind has limits. */
  kind: string | null
  /** Whether jobs of the kind run now: then the others may wait for its limits, and not for a doorbell. */
  othersRun: boolean
}

/**
 * Queues that are not paused and have jobs that have been startable for longer than `overdueSeconds`, with how many there are
 * (counted up to `atMost`), and a row for each such kind with limits. Jobs that have expired are none of them: a doorbell for
 * them would only have a worker read all of them in vain. Delayed jobs and unused levels of priority cost nothing,
 * but each project with waiting jobs costs some 15 µs, due or not.
 * @returns also how many projects and levels of priority were looked at
 */
export const listOverdue = async (
  sql: Sql,
  overdueSeconds: number,
  atMost: number,
): Promise<{ overdue: Overdue[]; looked: number }> => {
  const rows = await sql<((Overdue | { queue: null }) & { looked: number })[]>`
    WITH RECURSIVE ${whereJobsWait(sql)}, overdue AS (
      SELECT queues.name AS queue, count(*)::integer AS startable, NULL AS kind, false AS others_run
      FROM queues, LATERAL (
        SELECT FROM waiting, LATERAL (
          SELECT FROM jobs
          WHERE queue = waiting.queue AND state = 'queued' AND concurrency_key IS NULL AND project_id = waiting.project_id
            AND priority = waiting.priority AND start_at < now() - ${overdueSeconds} * interval '1 second'
            AND ${mayStart(sql)}
          LIMIT ${atMost}
        ) AS due
        WHERE waiting.queue = queues.name AND waiting.first_at < now() - ${overdueSeconds} * interval '1 second'
        LIMIT ${atMost}
      ) AS startable
      GROUP BY queues.name
      UNION ALL
      SELECT first.queue, 1, limited.kind, EXISTS (
        SELECT FROM jobs WHERE kind = limited.kind AND state = 'running' AND concurrency_key IS NOT NULL
      )
      FROM limited, LATERAL (
        SELECT queue FROM jobs
        WHERE kind = limited.kind AND state = 'queued' AND concurrency_key IS NOT NULL
          AND start_at < now() - ${overdueSeconds} * interval '1 second' AND ${mayStart(sql)}
        ORDER BY start_at LIMIT 1
      ) AS first
      WHERE EXISTS (SELECT FROM queues WHERE name = first.queue AND paused_at IS NULL)
    )
    SELECT looked, overdue.* FROM (SELECT count(*)::integer AS looked FROM waiting) AS looks LEFT JOIN overdue ON true`
  return { overdue: rows.filter((row) => row.queue !== null), looked: rows[0]?.looked ?? 0 }
}

/**
 * How many jobs have fallen due since `from`, by queue that is not paused, whose delay was too long for a doorbell: longer than
 * `longestDoorbellSeconds`, which must be at least ten minutes. It follows the index of long delays in its order, so that no
 * plan uses another.
 * @returns with each row (one without a queue if there are none) the instant up to which it looked, which is the next `from`.
 * To the microsecond, or a job that falls due in the same millisecond would be found twice.
 */
export const listFallenDue = (
  sql: Sql,
  from: string | null,
  longestDoorbellSeconds: number,
): Promise<{ queue: string | null; jobs: number; until: string }[]> => sql`
  WITH counted AS (
    SELECT queue, count(*)::integer AS jobs FROM (
      SELECT queue FROM jobs
      WHERE state = 'queued' AND start_at - greatest(queued_at, stint_started_at) > interval '10 minutes'
        AND start_at > coalesce(${from}::text::timestamptz, now() - interval '2 seconds') AND start_at <= now()
        AND start_at - greatest(queued_at, stint_started_at) > ${longestDoorbellSeconds} * interval '1 second'
      ORDER BY start_at OFFSET 0
    ) AS due JOIN queues ON queues.name = due.queue AND paused_at IS NULL
    GROUP BY queue
  )
  SELECT counted.queue, coalesce(counted.jobs, 0) AS jobs, now()::text AS until
  FROM (SELECT) AS one LEFT JOIN counted ON true`

/** Since when each queue is paused; null: it is not. */
export const listPauses = (sql: Sql): Promise<{ name: string; pausedAt: Date | null }[]> => sql`
  SELECT name, paused_at FROM queues ORDER BY name`

/** From then on no claim takes the queue's jobs; those that run go on. */
export const pause = async (sql: Sql, name: string): Promise<void> => {
  await sql`UPDATE queues SET paused_at = now() WHERE name = ${name} AND paused_at IS NULL`
}

export const resume = async (sql: Sql, name: string): Promise<void> => {
  await sql`UPDATE queues SET paused_at = NULL WHERE name = ${name} AND paused_at IS NOT NULL`
}
