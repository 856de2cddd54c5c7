import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { get } from './waiting.ts'

test('how many jobs go before one is told without a look at those behind it', async ({ world: { app, sql } }) => {
  const ids = await insertJobs(
    app,
    Array.from({ length: 3_000 }, (_, nth) => ({ priority: nth < 5 ? 1 : 0 })),
  )
  await sql`ANALYZE jobs`
  for (const plan of ['force_custom_plan', 'force_generic_plan']) {
    const { result, rows } = await sql.begin(async (tx) => {
      await tx`SELECT set_config('plan_cache_mode', ${plan}, true)`
      return rowsRead(tx, () => get(tx, ids[20] ?? '', 10_000))
    })
    expect(result?.ahead).toBe(20)
    expect(rows).toBeLessThan(30)
  }
})
