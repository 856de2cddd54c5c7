import type { Sql } from '../client.ts'
import { isLeft } from './dependencies.ts'
import { hasExpired } from './expiries.ts'

/** What a sweep finds at a glance. */
export interface Glance {
  /** Leases that are over, and that somebody could have renewed. */
  lost: boolean
  /** Jobs that have expired. */
  expired: boolean
  /** Ends of jobs that are not counted at all of their children. */
  uncounted: boolean
  /** Jobs that wait, delayed ones too. */
  queued: boolean
}

/**
 * Whether there is anything for the sweep to do; mostly there is nothing. Each answer is the first entry of an index that has
 * only such rows, in its order, so that no plan reads the table for it.
 *
 * While writers of the table wait, as until somebody has created an index, workers can't renew their leases: these run out,
 * and nobody has lost them.
 */
export const glance = async (sql: Sql): Promise<Glance> => {
  const [row] = await sql<[Glance]>`
    SELECT
      (SELECT id FROM jobs WHERE state = 'running' AND lease_until < now() ORDER BY lease_until LIMIT 1) IS NOT NULL
        AND NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'jobs'::regclass AND mode = 'RowExclusiveLock' AND NOT granted)
        AS lost,
      (SELECT id FROM jobs WHERE ${hasExpired(sql)} ORDER BY expires_at LIMIT 1) IS NOT NULL AS expired,
      (SELECT job_id FROM uncounted_parents WHERE ${isLeft(sql)} ORDER BY job_id LIMIT 1) IS NOT NULL AS uncounted,
      (SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NULL
        ORDER BY queue, project_id, priority, start_at LIMIT 1) IS NOT NULL
      OR (SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL
        ORDER BY kind, start_at LIMIT 1) IS NOT NULL AS queued`
  return row
}
