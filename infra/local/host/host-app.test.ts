import { expect } from 'vitest'
import { createPool, type Sql } from '../../../db/client.ts'
import { test } from '../../../tests/support/world.ts'
import { createHostApp } from './host-app.ts'

test('searches leave connections to everything else, and to others who search', async ({ world }) => {
  const { config, log } = world.app
  const app = await createHostApp({ ...config, database: { ...config.database, maxConnections: 1 } }, 'host', { log })
  const holder = createPool({ ...world.app.config.database, maxConnections: 1, applicationName: 'holder' })
  await holder`SELECT pg_advisory_lock(1)`
  const endless = (sql: Sql) => sql`SELECT pg_advisory_lock_shared(1)`
  const hostile = Array.from({ length: 50 }, () => app.scan('eve', endless).catch((error) => error.code))
  expect(await app.sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  expect(await app.scan('ada', (sql) => sql`SELECT 2 AS two`)).toEqual([{ two: 2 }])
  await holder`SELECT pg_advisory_unlock(1)`
  await holder.end()
  await Promise.all(hostile)
  await app.close()
})

test('a search is given up when nobody waits for it any more', async ({ world }) => {
  const app = await createHostApp(world.app.config, 'host', { log: world.app.log })
  const [row] = await app.scan('ada', (sql) => sql`SHOW statement_timeout`)
  expect(row?.['statementTimeout']).toBe('30s')
  await app.close()
})
