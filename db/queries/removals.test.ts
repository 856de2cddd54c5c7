import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { test } from '../../tests/support/world.ts'
import { listExpired } from './removals.ts'

test('no job is read that is too young to be removed', async ({ world }) => {
  await addEnded(world.sql, newId(), 3_000)
  await world.sql`ANALYZE jobs`
  const page = { after: '00000000-0000-0000-0000-000000000000', limit: 10, maxEvents: 10_000 }
  const [expired, read] = await world.sql.begin(async (tx) => {
    const ids = await listExpired(tx, { days: 30, ...page })
    // What this transaction has read so far.
    const [{ rows }] = await tx<[{ rows: number }]>`
      SELECT (seq_tup_read + idx_tup_fetch)::integer AS rows FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`
    return [ids, rows]
  })
  expect(expired).toEqual([])
  // The planner itself looks at the first and the last one.
  expect(read).toBeLessThan(10)
})
