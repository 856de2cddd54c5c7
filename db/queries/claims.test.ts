import { expect, onTestFinished } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
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
  const { result, rows } = await world.sql.begin((tx) => rowsRead(tx, () => claimSome(tx, 500)))
  expect(result).toHaveLength(500)
  // Each is found by the index of those that wait, and then by its id.
  expect(rows).toBeLessThan(1_100)
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
