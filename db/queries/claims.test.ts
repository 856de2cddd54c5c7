import { expect, onTestFinished } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { createPool, type Sql } from '../client.ts'
import { claim } from './claims.ts'

const claimSome = (sql: Sql, limit: number) =>
  claim(sql, {
    ...{ queue: 'default', worker: 'w', kinds: ['test.echo'], slots: [limit], limit, leaseSeconds: 60, fresh: false },
    from: '00000000-0000-0000-0000-000000000000',
  })

/** Jobs that wait, and a planner that knows of them. */
const addWaiting = async ({ app, sql }: World): Promise<void> => {
  await insertJobs(
    app,
    Array.from({ length: 3_000 }, () => ({})),
  )
  await sql`ANALYZE jobs`
}

test('a claim reads the jobs that it takes, and not the whole table, however many wait', async ({ world }) => {
  await addWaiting(world)
  const read = await world.sql.begin(async (tx) => {
    expect(await claimSome(tx, 500)).toHaveLength(500)
    // What this transaction has read so far.
    const [{ rows }] = await tx<[{ rows: number }]>`
      SELECT seq_tup_read::integer AS rows FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`
    return rows
  })
  expect(read).toBe(0)
})

test('a claim is planned once, and not for each time', async ({ world }) => {
  await addWaiting(world)
  const { url } = world.app.config.database
  const pool = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'one' })
  onTestFinished(() => pool.end({ timeout: 0 }))
  for (let n = 0; n < 20; n++) expect(await claimSome(pool, 1)).toHaveLength(1)
  const [plans] = await pool`
    SELECT generic_plans::integer AS kept FROM pg_prepared_statements
    WHERE statement ~ '^\\s*WITH RECURSIVE'`
  // Postgres plans five times for the values that it is given before it keeps a plan for all.
  expect(plans?.['kept']).toBeGreaterThan(10)
})
