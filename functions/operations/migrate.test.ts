import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { migrateDown } from '../../db/migrate.ts'
import * as migrations from '../../db/queries/migrations.ts'
import { functionsRole } from '../../tests/support/functions-role.ts'
import { lambdaContext } from '../../tests/support/lambda-context.ts'
import { test, type World } from '../../tests/support/world.ts'
import { handler } from './migrate.ts'

const FILES = readdirSync(new URL('../../db/migrations/', import.meta.url)).toSorted()
const [LATEST = '', BEFORE = ''] = FILES.map((file) => file.split('_')[0] ?? '').reverse()

const migrate = ({ app }: World, event: object | null = {}, functionSeconds = 900) =>
  handler(event, lambdaContext(app, functionSeconds))
const url = ({ app }: World): string => app.config.database.url

/** How many wait for the lock. */
const waiting = async ({ sql }: World): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    SELECT count(*)::int AS count FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  return row.count
}

test('applies what the database lacks, and nothing the second time', async ({ world }) => {
  await migrateDown(url(world))
  await migrateDown(url(world))
  const { output } = await migrate(world)
  expect([...output.matchAll(/^Applied: (\d+)_/gm)].map(([, version]) => version)).toEqual([BEFORE, LATEST])
  expect(await migrate(world, null)).toEqual({ output: '' })
})

test('gives the role that the other functions connect as its rights, even when nothing is to be migrated', async ({
  world,
}) => {
  const { app } = world
  const { name, functionsUrl, drop } = functionsRole(world)
  const config = { ...app.config, database: { ...app.config.database, functionsUrl } }
  expect(await handler({}, lambdaContext({ ...app, config }, 900))).toEqual({ output: '' })
  const rights = await world.sql`
    SELECT has_table_privilege(${name}, 'jobs', 'UPDATE') AS uses, has_schema_privilege(${name}, 'public', 'CREATE') AS changes`
  expect([...rights]).toEqual([{ uses: true, changes: false }])
  await drop()
})

test('of two deployments at once one waits for the other, and finds nothing left to do', async ({ world }) => {
  await migrateDown(url(world))
  const other = await world.anotherApp()
  let both: Promise<{ output: string }[]> | undefined
  await other.sql.begin(async (tx) => {
    await migrations.lock(tx, 60)
    both = Promise.all([migrate(world), migrate(world)])
    await expect.poll(() => waiting(world)).toBe(2)
    expect(await migrations.listApplied(tx)).not.toContain(LATEST)
  })
  const outputs = ((await both) ?? []).map(({ output }) => output)
  expect(outputs.toSorted()).toEqual(['', expect.stringContaining(`Applied: ${LATEST}_`)])
})

test('gives up when another one takes too long', async ({ world }) => {
  const other = await world.anotherApp()
  await other.sql.begin(async (tx) => {
    await migrations.lock(tx, 60)
    await expect(migrate(world, {}, 1)).rejects.toMatchObject({ code: '55P03' })
  })
})

test('waits for longer than a statement may take', async ({ world }) => {
  const other = await world.anotherApp()
  const held = Promise.withResolvers<void>()
  const holds = other.sql.begin(async (tx) => {
    await migrations.lock(tx, 60)
    held.resolve()
    await sleep(2_500)
  })
  await held.promise
  await world.sql.begin((tx) => migrations.lock(tx, 60, 1))
  await holds
})

test('outlives the time after which the database ends transactions that stand still', async ({ world }) => {
  await world.sql.begin(async (tx) => {
    await migrations.lock(tx, 60)
    const [row] = await tx`SELECT current_setting('idle_in_transaction_session_timeout') AS limit`
    expect(row).toEqual({ limit: '0' })
  })
})

test('takes back the latest migration when its version is named, once however often it is asked', async ({ world }) => {
  expect((await migrate(world, { down: LATEST })).output).toContain(`Rolled back: ${LATEST}_`)
  expect(await migrate(world, { down: LATEST })).toEqual({ output: `${LATEST} is not applied` })
  expect((await migrate(world, { status: true })).output).toMatch(/Applied: \d+\s+Pending: 1/)
})

test('takes back no migration that others came after', async ({ world }) => {
  await expect(migrate(world, { down: BEFORE })).rejects.toThrow(`${BEFORE} is not the latest migration`)
  expect(await migrations.listApplied(world.sql)).toContain(LATEST)
})

test('says what is wrong with an order', async ({ world }) => {
  await expect(migrate(world, { down: 'all' })).rejects.toThrow(/expected the version.*\n.*down/)
  await expect(migrate(world, { up: true })).rejects.toThrow(/"up"/)
})

test('says why it could not migrate', async ({ world }) => {
  const { app } = world
  const config = { ...app.config, database: { ...app.config.database, url: 'postgres://nobody:none@127.0.0.1:1/none' } }
  await expect(handler({}, lambdaContext({ ...app, config }, 900))).rejects.toThrow(/connection refused/)
})
