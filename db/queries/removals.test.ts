import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { listExpired } from './removals.ts'

test('no job is read that is too young to be removed', async ({ world }) => {
  await addEnded(world.sql, newId(), 3_000)
  await world.sql`ANALYZE jobs`
  const page = { after: '00000000-0000-0000-0000-000000000000', limit: 10, maxEvents: 10_000 }
  const { result: expired, rows: read } = await world.sql.begin((tx) =>
    rowsRead(tx, () => listExpired(tx, { days: 30, ...page })),
  )
  expect(expired).toEqual([])
  // The planner itself looks at the first and the last one.
  expect(read).toBeLessThan(10)
})
