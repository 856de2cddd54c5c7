import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { claim } from './claims.ts'

const WISH = { queue: 'default', worker: 'w', kinds: ['test.echo'], leaseSeconds: 60, fresh: false }

test('a claim reads the jobs that it takes, and not the whole table, however many wait', async ({ world }) => {
  await insertJobs(
    world.app,
    Array.from({ length: 3_000 }, () => ({})),
  )
  await world.sql`ANALYZE jobs`
  const read = await world.sql.begin(async (tx) => {
    const from = '00000000-0000-0000-0000-000000000000'
    expect(await claim(tx, { ...WISH, limit: 500, slots: [500], from })).toHaveLength(500)
    // What this transaction has read so far.
    const [{ rows }] = await tx<[{ rows: number }]>`
      SELECT seq_tup_read::integer AS rows FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`
    return rows
  })
  expect(read).toBe(0)
})
