import { expect, onTestFinished } from 'vitest'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { addWaiting, claimWaiting } from '../../tests/support/waiting-jobs.ts'
import { test } from '../../tests/support/world.ts'
import { createPool } from '../client.ts'

test('a claim reads the jobs that it takes, and not the whole table, however many wait', async ({ world }) => {
  await addWaiting(world, 3_000)
  const { result, rows } = await world.sql.begin((tx) => rowsRead(tx, () => claimWaiting(tx, 500)))
  expect(result).toHaveLength(500)
  // Each is found by the index of those that wait, and then by its id.
  expect(rows).toBeLessThan(1_100)
})

test('a claim that finds nothing of its kinds reads what waits of others once', async ({ world }) => {
  await addWaiting(world, 3_000)
  const { result, rows } = await world.sql.begin((tx) => rowsRead(tx, () => claimWaiting(tx, 10, 'test.other')))
  expect(result).toEqual([])
  expect(rows).toBeLessThan(3_100)
})

test('a claim is planned once, and not for each time', async ({ world }) => {
  await addWaiting(world, 3_000)
  const { url } = world.app.config.database
  const pool = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'one' })
  onTestFinished(() => pool.end({ timeout: 0 }))
  for (let n = 0; n < 20; n++) expect(await claimWaiting(pool, 1)).toHaveLength(1)
  const [plans] = await pool`
    SELECT generic_plans::integer AS kept FROM pg_prepared_statements
    WHERE statement ~ '^\\s*WITH RECURSIVE'`
  // Postgres plans five times for the values that it is given before it keeps a plan for all.
  expect(plans?.['kept']).toBeGreaterThan(10)
})
