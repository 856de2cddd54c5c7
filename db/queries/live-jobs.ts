import type { Fragment } from 'postgres'
import type { Sql } from '../client.ts'

/**
 * A project's jobs that have not ended, with their inputs. There is a branch for each partial index of live jobs, in its order,
 * so that no plan uses another index: that of all jobs of the project includes ended ones, perhaps millions.
 */
export const liveOf = (sql: Sql, projectId: string | Fragment) => sql`
  SELECT waiting.input FROM queues, LATERAL (
    SELECT input FROM jobs
    WHERE queue = queues.name AND project_id = ${projectId} AND state = 'queued' AND concurrency_key IS NULL
    ORDER BY priority, start_at OFFSET 0
  ) AS waiting
  UNION ALL
  (SELECT input FROM jobs WHERE project_id = ${projectId} AND state = 'queued' AND concurrency_key IS NOT NULL
   ORDER BY kind, start_at OFFSET 0)
  UNION ALL
  (SELECT input FROM jobs WHERE project_id = ${projectId} AND state = 'running' ORDER BY lease_until OFFSET 0)
  UNION ALL
  (SELECT input FROM jobs WHERE project_id = ${projectId} AND state = 'blocked' ORDER BY id DESC OFFSET 0)`
