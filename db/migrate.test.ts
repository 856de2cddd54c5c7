import { readdirSync, readFileSync } from 'node:fs'
import type { TransactionSql } from 'postgres'
import { expect } from 'vitest'
import { untilOneWaits } from '../tests/support/lock-waits.ts'
import { test, type World } from '../tests/support/world.ts'
import type { Sql } from './client.ts'
import { migrateDown, migrateUp } from './migrate.ts'
import { list } from './queries/outbox.ts'

const FOLDER = new URL('./migrations/', import.meta.url)
const NAMES = readdirSync(FOLDER).toSorted()
/** Those that may find millions of jobs, and others at work on them. */
const CONSIDERATE = NAMES.slice(NAMES.findIndex((it) => it.endsWith('_lists.sql')))

/** Takes back all migrations that came after one. */
const takeBackTo = async ({ app }: World, name: string): Promise<void> => {
  const after = NAMES.slice(NAMES.findIndex((it) => it.endsWith(name)) + 1)
  for (const _ of after) await migrateDown(app.config.database.url)
}

test.for(CONSIDERATE)('%s waits for no lock without an end', (name) => {
  const [, ...directions] = readFileSync(new URL(name, FOLDER), 'utf8').split(/^-- migrate:(?:up|down)$/m)
  expect(directions).toHaveLength(2)
  for (const direction of directions) expect(direction.startsWith("\nSET LOCAL lock_timeout = '3s';\n")).toBe(true)
})

/** What code of any version writes, whichever columns jobs have by then. */
const writeEvent = (sql: Sql) => sql`
  INSERT INTO events (job_id, project_id, seq, type) VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'job.queued')`

/** Migrates behind a reader of the outbox, who does something else when the migration waits for him, and then ends. */
const migrateBehindReader = async <Done>(
  { sql }: World,
  migrate: () => Promise<string>,
  meanwhile: (reader: TransactionSql) => Promise<Done>,
): Promise<{ migrated: string; done: Done }> => {
  const { migrating, done } = await sql.begin(async (reader) => {
    await reader`SELECT FROM outbox`
    const migrating = migrate()
    migrating.catch(() => {})
    await untilOneWaits(sql)
    // Not as a promise: the transaction would wait for it.
    return { migrating, done: await meanwhile(reader) }
  })
  return { migrated: await migrating, done }
}

test('a migration that waits behind a long reader lets writers through, and is tried again', async ({ world }) => {
  await takeBackTo(world, '_long_delays.sql')
  const up = () => migrateUp(world.app.config.database.url)
  const { migrated } = await migrateBehindReader(world, up, () => writeEvent(world.sql).execute())
  expect(migrated).toMatch(/lock timeout(.|\n)*Applied: \d+_outbox_told.sql/)
  expect(await list(world.sql, 10)).toHaveLength(1)
})

test('a migration that waits for somebody who waits for it is tried again', async ({ world }) => {
  await takeBackTo(world, '_outbox_told.sql')
  const down = () => migrateDown(world.app.config.database.url)
  await migrateBehindReader(world, down, async (reader) => {
    // Whoever finds a deadlock is its victim.
    await reader`SET LOCAL deadlock_timeout = '60s'`
    await writeEvent(reader)
  })
  expect(await world.sql`SELECT events FROM outbox`).toEqual([{ events: 1 }])
})

test('who writes events while what they tell is taken back writes them all the same', async ({ world }) => {
  await takeBackTo(world, '_outbox_told.sql')
  const down = () => migrateDown(world.app.config.database.url)
  const { done } = await migrateBehindReader(world, down, async () => {
    const inserting = writeEvent(world.sql).execute()
    inserting.catch(() => {})
    const waiting = () => world.sql`SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL`
    await expect.poll(waiting).toHaveLength(2)
    return { inserting }
  })
  await done.inserting
  expect(await world.sql`SELECT events FROM outbox`).toEqual([{ events: 1 }])
})
