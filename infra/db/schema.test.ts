import { readdir, readFile } from 'node:fs/promises'
import { expect, inject } from 'vitest'
import { createPool } from '../../db/client.ts'
import { migrateDown, migrateUp } from '../../db/migrate.ts'
import { test } from '../../tests/support/world.ts'
import { listOthers, listTables } from './catalog.ts'
import { describeSchema } from './describe.ts'

test('db/schema.md says what the migrations make', async ({ world }) => {
  const committed = await readFile(new URL('../../db/schema.md', import.meta.url), 'utf8')
  expect(await describeSchema(world.sql)).toBe(committed)
})

test('the tables that grow say of each column how much ANALYZE learns: 0 where no statement searches by it', async ({
  world,
}) => {
  const unsaid = await world.sql`
    SELECT attrelid::regclass::text || '.' || attname AS column FROM pg_attribute
    WHERE attrelid = ANY (ARRAY['jobs', 'events', 'stints', 'job_logs']::regclass[])
      AND attnum > 0 AND NOT attisdropped AND coalesce(attstattarget, -1) < 0`
  // In the migration that adds it: ALTER COLUMN … SET STATISTICS 0, or 25 for a search.
  expect(unsaid).toEqual([])
})

test('the migrations can be taken back to nothing, and applied again', async () => {
  const { adminUrl } = inject('stack')
  const admin = createPool({ url: adminUrl, maxConnections: 1, prepare: false, applicationName: 'test' })
  const url = new URL(adminUrl)
  url.pathname = '/test-up-down'
  await admin`CREATE DATABASE "test-up-down" TEMPLATE template0`
  const sql = createPool({ url: url.href, maxConnections: 1, prepare: false, applicationName: 'test' })
  const migrations = await readdir(new URL('../../db/migrations', import.meta.url))

  await migrateUp(url.href)
  const before = await describeSchema(sql)
  for (const _ of migrations) await migrateDown(url.href)
  expect(await listTables(sql)).toEqual([])
  expect(await listOthers(sql)).toEqual([])
  await migrateUp(url.href)
  expect(await describeSchema(sql)).toBe(before)

  await sql.end()
  await admin`DROP DATABASE "test-up-down"`
  await admin.end()
})

test('a migration that fails says why', async () => {
  await expect(migrateUp('postgres://nobody:nothing@127.0.0.1:1/none')).rejects.toThrow(/connection refused/)
})
