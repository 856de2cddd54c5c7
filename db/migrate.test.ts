import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { insertJobs } from '../tests/support/engine.ts'
import { untilOneWaits } from '../tests/support/lock-waits.ts'
import { test, type World } from '../tests/support/world.ts'
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

test('a migration that waits behind a long reader lets writers through, and is tried again', async ({ world }) => {
  await takeBackTo(world, '_long_delays.sql')
  const applying = await world.sql.begin(async (reader) => {
    await reader`SELECT FROM outbox`
    const applied = migrateUp(world.app.config.database.url)
    applied.catch(() => {})
    await untilOneWaits(world.sql)
    await insertJobs(world.app, [{}])
    // Not as a promise: the transaction would wait for it.
    return { applied }
  })
  expect(await applying.applied).toMatch(/lock timeout(.|\n)*Applied: \d+_outbox_told.sql/)
  expect(await list(world.sql, 10)).toHaveLength(1)
})

test('a migration that waits for somebody who waits for it is tried again', async ({ world }) => {
  await takeBackTo(world, '_outbox_told.sql')
  const begun = await world.sql.begin(async (reader) => {
    // Whoever finds a deadlock is its victim.
    await reader`SET LOCAL deadlock_timeout = '60s'`
    await reader`SELECT FROM outbox`
    const down = migrateDown(world.app.config.database.url)
    down.catch(() => {})
    await untilOneWaits(world.sql)
    await reader`INSERT INTO events (job_id, project_id, seq, type) VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'job.queued')`
    // Not as a promise: the transaction would wait for it.
    return { down }
  })
  await begun.down
  expect(await world.sql`SELECT events FROM outbox`).toEqual([{ events: 1 }])
})

test('who writes events while what they tell is taken back writes them all the same', async ({ world }) => {
  await takeBackTo(world, '_outbox_told.sql')
  const begun = await world.sql.begin(async (reader) => {
    await reader`SELECT FROM outbox`
    const down = migrateDown(world.app.config.database.url)
    down.catch(() => {})
    await untilOneWaits(world.sql)
    const inserting = insertJobs(world.app, [{}])
    inserting.catch(() => {})
    const waiting = () => world.sql`SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL`
    await expect.poll(waiting).toHaveLength(2)
    return { down, inserting }
  })
  await begun.inserting
  await begun.down
  expect(await world.sql`SELECT events FROM outbox`).toEqual([{ events: 1 }])
})
