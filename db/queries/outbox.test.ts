import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { list } from './outbox.ts'

test('events that are to be published are read by their keys, however many wait', async ({ world: { app, sql } }) => {
  for (let n = 0; n < 10; n++) {
    await insertJobs(
      app,
      Array.from({ length: 1_000 }, () => ({})),
    )
  }
  await sql`ANALYZE events`
  await sql`ANALYZE jobs`
  await sql`ANALYZE outbox`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => list(tx, 1_000), 'events'))
  expect(result).toHaveLength(1_000)
  expect(rows).toBeLessThan(1_010)
})
