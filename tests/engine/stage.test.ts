import { expect } from 'vitest'
import { test } from '../support/world.ts'
import { jump } from './database-clock.ts'
import { setStage } from './stage.ts'

test('every connection has the clock that the test sets, behind a pooler too', async ({ world }) => {
  const stage = await setStage(world.environment)
  try {
    await jump(stage.admin, 60)
    const seen = [stage.admin, ...Object.values(stage.pools)].flatMap((pool) =>
      Array.from({ length: 3 }, async () => {
        const [row] =
          await pool`SELECT now() > pg_catalog.now() AS "isAhead", current_setting('deadlock_timeout') AS timeout`
        return row
      }),
    )
    for (const row of await Promise.all(seen)) expect(row).toEqual({ isAhead: true, timeout: '20ms' })
  } finally {
    await stage.close()
  }
})
