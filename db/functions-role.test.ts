import { expect } from 'vitest'
import { functionsRole } from '../tests/support/functions-role.ts'
import { call } from '../tests/support/http-client.ts'
import { work } from '../tests/support/worker-run.ts'
import { test as base, type World } from '../tests/support/world.ts'
import { createPool, type Pool } from './client.ts'
import { giveRights, scramVerifier } from './functions-role.ts'
import * as auditLog from './queries/audit-log.ts'
import * as outbox from './queries/outbox.ts'

interface Role {
  ownerUrl: string
  functionsUrl: string
  /** Connects as the role. */
  sql: Pool
}

const connect = (url: string) => createPool({ url, maxConnections: 4, prepare: true, applicationName: 'test' })

const test = base.extend<{ role: Role }>({
  role: async ({ world }, use) => {
    const { ownerUrl, functionsUrl, drop } = functionsRole(world)
    await giveRights(ownerUrl, functionsUrl)
    const sql = connect(functionsUrl)
    await use({ ownerUrl, functionsUrl, sql })
    await sql.end()
    await drop()
  },
})

/** What changes tables, or what was noted of people: the role may not do it. */
const FORBIDDEN = [
  'CREATE TABLE mine (n integer)',
  'ALTER TABLE jobs ADD COLUMN mine integer',
  'DROP TABLE jobs',
  'TRUNCATE jobs CASCADE',
  'CREATE INDEX mine ON jobs (kind)',
  'ALTER TABLE events DISABLE TRIGGER events_outbox',
  'CREATE ROLE mine',
  'CREATE DATABASE mine',
  "SELECT setval('events_id_seq', 1)",
  'SELECT * FROM schema_migrations',
  "COPY jobs TO PROGRAM 'cat'",
  "UPDATE audit_log SET action = 'nothing'",
  'DELETE FROM audit_log',
  'TRUNCATE audit_log',
]

test.for(FORBIDDEN)('the functions’ role may not: %s', async (statement, { role }) => {
  await expect(role.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' })
})

test('reads and writes the rows of every table but the audit log, and of those that a later migration makes', async ({
  world,
  role,
}) => {
  await world.sql`CREATE TABLE made_later (n integer)`
  const tables = await world.sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('schema_migrations', 'audit_log')`
  const refused = await role.sql`
    SELECT name, right_to FROM unnest(${tables.map(({ name }) => name)}::text[]) AS name,
      unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS right_to
    WHERE NOT has_table_privilege(name, right_to)`
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['jobs', 'made_later']))
  expect([...refused]).toEqual([])
})

test('adds to the audit log and reads it; entries of the last 30 days stay, whatever it asks for', async ({ role }) => {
  await role.sql`
    INSERT INTO audit_log (id, action, target, created_at)
    SELECT md5(days::text)::uuid, 'a', days, now() - days * interval '1 day' FROM unnest('{1,29,31}'::int[]) AS days`
  expect(await auditLog.prune(role.sql, 0, 10)).toBe(1)
  const left = await auditLog.list(role.sql, null, { before: undefined, limit: 10 })
  expect(left.map(({ target }) => target).toSorted()).toEqual(['1', '29'])
})

/** What the functions do, all in one process, with the rights that they have on AWS. */
const live = async (world: World, sql: Pool): Promise<string> => {
  const app = await world.anotherApp({ sql })
  const account = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
  const { body: registered } = await call(app, 'POST', '/auth/register', { body: account })
  const token = registered.accessToken
  const body = { jobs: [{ name: 'first', kind: 'math.pi', input: { digits: 50 } }] }
  const { status, body: submitted } = await call(app, 'POST', '/jobs/batch', { token, body })
  expect(status).toBe(202)
  await call(app, 'POST', '/device-models', { token, body: { code: '0111', name: 'Thermometer' } })
  const serials = { kind: 'serials.generate', input: { deviceModelCode: '0111', start: 1, count: 5 } }
  await call(app, 'POST', '/jobs', { token, body: serials })
  const cron = { name: 'nightly', kind: 'debug.noop', input: {}, cron: '0 3 * * *', timeZone: 'UTC' }
  expect(await call(app, 'POST', '/schedules', { token, body: cron })).toMatchObject({ status: 201 })
  await Promise.all([work(app, 'default'), work(app, 'compute'), work(app, 'bulk')])
  for (const name of ['sweep', 'relay', 'metrics', 'prune']) {
    const { handler } = await import(`../functions/schedule/${name}.ts`)
    await handler.periodic.run(app)
  }
  for (const path of ['/jobs', '/activity', '/failures', '/queues', '/schedules', '/health', '/metrics']) {
    expect(await call(app, 'GET', path, { token }), path).toMatchObject({ status: 200 })
  }
  await app.metrics.flush()
  return submitted.ids[0]
}

test('is enough for accounts, jobs, their workers, and all that passes by the clock', async ({ world, role }) => {
  const jobId = await live(world, role.sql)
  expect([...(await world.sql`SELECT state FROM jobs WHERE id = ${jobId}`)]).toEqual([{ state: 'succeeded' }])
  const left = await world.sql`SELECT kind, state, error FROM jobs WHERE state <> 'succeeded'`
  expect([...left]).toEqual([])
  expect((await world.events()).map(({ type }) => type)).toContain('job.succeeded')
})

test('notes the newest events again for a broker that lost them', async ({ world, role }) => {
  await live(world, role.sql)
  const noted = await role.sql.begin(async (tx) => {
    await outbox.lock(tx)
    return outbox.refill(tx, 3)
  })
  expect(noted).toBe(3)
})

test('given once more, takes the new password', async ({ role }) => {
  const renewed = Object.assign(new URL(role.functionsUrl), { password: 'new' }).href
  await giveRights(role.ownerUrl, renewed)
  const sql = connect(renewed)
  expect([...(await sql`SELECT count(*)::int AS count FROM jobs`)]).toEqual([{ count: 0 }])
  await sql.end()
  const old = connect(role.functionsUrl)
  await expect(old`SELECT 1`).rejects.toMatchObject({ code: '28P01' })
  await old.end()
})

test('leaves the owner alone, where functions connect as that one', async ({ world, role }) => {
  await giveRights(role.ownerUrl, Object.assign(new URL(role.ownerUrl), { password: 'another' }).href)
  expect([...(await world.sql`SELECT 1 AS is`)]).toEqual([{ is: 1 }])
})

test('without a user or a password says so', async () => {
  for (const url of ['localhost', 'postgres://localhost/stint', 'postgres://somebody@localhost/stint'])
    await expect(giveRights('postgres://stint@localhost/stint', url)).rejects.toThrow(
      'DATABASE_FUNCTIONS_URL: expected',
    )
})

test('the password is as PostgreSQL would keep it', () => {
  // The user, the password and the salt of RFC 7677's example.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  expect(scramVerifier('pencil', salt)).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('no statement of the role goes on longer than its client listens', async ({ role }) => {
  expect(await role.sql`SHOW statement_timeout`).toEqual([{ statementTimeout: '1min' }])
})
