import { readdirSync } from 'node:fs'
import { expect, inject } from 'vitest'
import { createPool } from '../../db/client.ts'
import { migrateDown, migrateUp } from '../../db/migrate.ts'
import { test } from '../../tests/support/world.ts'

const MIGRATIONS = readdirSync(new URL('../../db/migrations/', import.meta.url)).toSorted()
/** It and those that came after it: they are taken back before it. */
const SINCE = MIGRATIONS.slice(MIGRATIONS.findIndex((name) => name.endsWith('_idle_transactions.sql')))

const limitOf = async (url: string): Promise<string> => {
  const sql = createPool({ url, maxConnections: 1, prepare: false, applicationName: 'test' })
  const [row] = await sql`SELECT current_setting('idle_in_transaction_session_timeout') AS limit`
  await sql.end()
  return row?.['limit']
}

test('who stands still within a transaction loses it before the lease of its job is over', async () => {
  const { adminUrl } = inject('stack')
  const admin = createPool({ url: adminUrl, maxConnections: 1, prepare: false, applicationName: 'test' })
  const url = new URL(adminUrl)
  url.pathname = '/test-idle'
  await admin`CREATE DATABASE "test-idle" TEMPLATE template0`
  await migrateUp(url.href)
  expect(await limitOf(url.href)).toBe('30s')
  for (const _ of SINCE) await migrateDown(url.href)
  expect(await limitOf(url.href)).toBe('0')
  await admin`DROP DATABASE "test-idle"`
  await admin.end()
})
