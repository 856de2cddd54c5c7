import type { Fragment } from 'postgres'
import type { Sql } from '../client.ts'

/**
 * A project's jobs that have not ended, with their inputs. One branch for each partial index: the index of all its jobs has
 * those that have ended too, and they may be millions. Of running ones, which are few, everybody's are read: a plan could
 * else intersect them with all of the project.
 */
export const liveOf = (sql: Sql, projectId: string | Fragment) => sql`
  SELECT input FROM queues JOIN jobs ON queue = queues.name
  WHERE project_id = ${projectId} AND state = 'queued' AND concurrency_key IS NULL
  UNION ALL
  SELECT input FROM jobs WHERE project_id = ${projectId} AND state = 'queued' AND concurrency_key IS NOT NULL
  UNION ALL
  SELECT input FROM (SELECT project_id, input FROM jobs WHERE state = 'running' OFFSET 0) AS running
  WHERE project_id = ${projectId}
  UNION ALL
  SELECT input FROM jobs WHERE project_id = ${projectId} AND state = 'blocked'`
