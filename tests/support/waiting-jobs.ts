import type { Sql } from '../../db/client.ts'
import { type ClaimedJob, claim } from '../../db/queries/claims.ts'
import { insertJobs } from './engine.ts'
import type { World } from './world.ts'

/** Adds jobs that wait, and lets the planner know of them. */
export const addWaiting = async ({ app, sql }: World, count: number): Promise<void> => {
  await insertJobs(
    app,
    Array.from({ length: count }, () => ({})),
  )
  await sql`ANALYZE jobs`
}

const FIRST = '00000000-0000-0000-0000-000000000000'

/** Claims this many of them, or of another kind, by one statement, outside of any worker. */
export const claimWaiting = async (sql: Sql, limit: number, kind = 'test.echo'): Promise<ClaimedJob[]> => {
  const { jobs } = await claim(sql, {
    queue: 'default',
    worker: 'w',
    limit,
    bytes: Number.MAX_SAFE_INTEGER,
    kinds: [kind],
    slots: [limit],
    leaseSeconds: 60,
    suspectFirst: false,
    after: FIRST,
    roundFrom: FIRST,
  })
  return jobs
}
