import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { jobIn, runKind } from '../../tests/support/run-kind.ts'
import { test as base, type Person, type World } from '../../tests/support/world.ts'
import { accountMail } from '../jobs/account-mail.ts'
import { NO_PROJECT } from './planned-mail.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-take-over-'))
afterAll(() => rmSync(folder, { recursive: true }))

const test = base.override({ environment: { MAIL_FOLDER: folder, PUBLIC_URL: 'https://stint.example.org' } })

const PASSWORD = 'a new battery'

/** Chooses a new password by the token of a mail, as whoever reads the mails to that address. */
const resetBy = async (world: World, { email }: Person): Promise<Person['accessToken']> => {
  const context = jobIn(world.app, NO_PROJECT, { jobId: newId() })
  await runKind(accountMail, { input: { purpose: 'reset-password', email }, context })
  const body = { token: context.secret('reset-password'), newPassword: PASSWORD }
  expect(await world.http('POST', '/auth/password/reset', { body })).toMatchObject({ status: 204 })
  const login = await world.http('POST', '/auth/login', { body: { email, password: PASSWORD } })
  return login.body.accessToken
}

/** An account with a key, a schedule and a delayed job, and with somebody else who owns its project too. */
const prepared = async (world: World) => {
  const [account, other] = [await world.register('Ada'), await world.register('Eve')]
  const as = (token: string) => (method: string, url: string, body?: unknown) =>
    world.http(method, url, { token, ...(body !== undefined && { body }) })
  const asAccount = as(account.accessToken)
  const project = `/projects/${account.projectId}`
  const made = (await asAccount('POST', '/projects', { name: 'Made' })).body.project.id
  const theirs = (await as(other.accessToken)('POST', '/projects', { name: 'Theirs' })).body.project.id
  await asAccount('PUT', `/projects/${made}/members/${other.userId}`, { role: 'maintainer' })
  await as(other.accessToken)('PUT', `/projects/${theirs}/members/${account.userId}`, { role: 'owner' })
  const key = async (token: string, projectId: string): Promise<string> => {
    const body = { name: 'Way back', scopes: ['jobs:write', 'files:write'] }
    return (await as(token)('POST', `/projects/${projectId}/api-keys`, body)).body.secret
  }
  const keys = [
    await key(account.accessToken, account.projectId),
    await key(account.accessToken, theirs),
    await key(other.accessToken, made),
  ]
  const timed = { name: 'Nightly', cron: '0 0 * * *', kind: 'debug.noop', input: {}, projectId: made }
  const schedule = (await asAccount('POST', '/schedules', timed)).body.schedule.id
  const elsewhere = (await asAccount('POST', '/schedules', { ...timed, projectId: theirs })).body.schedule.id
  const mail = { to: ['ben@example.com'], subject: 'Hello', text: 'Hello' }
  const delayed = { kind: 'mail.send', input: mail, projectId: theirs, delaySeconds: 600 }
  const job = (await asAccount('POST', '/jobs', delayed)).body.job.id
  return { account, other, as, project, made, theirs, keys, key, schedule, elsewhere, job }
}

const rolesOf = (world: World, projectId: string) =>
  world.sql`SELECT user_id, role FROM memberships WHERE project_id = ${projectId} ORDER BY user_id`

describe('an account whose email nobody had confirmed', () => {
  test('is handed over by a reset without anybody who could come back', async ({ world }) => {
    const { account, other, as, project, made, theirs, keys, schedule, elsewhere, job } = await prepared(world)
    await as(account.accessToken)('PUT', `${project}/members/${other.userId}`, { role: 'owner' })
    await world.sql`UPDATE users SET is_admin = true WHERE id = ${account.userId}`
    for (const token of keys) expect((await world.http('GET', '/jobs', { token })).status).toBe(200)

    const token = await resetBy(world, account)

    for (const secret of keys) expect((await world.http('GET', '/jobs', { token: secret })).status).toBe(401)
    expect(await rolesOf(world, made)).toEqual([{ userId: account.userId, role: 'owner' }])
    for (const id of [account.projectId, theirs])
      expect(await rolesOf(world, id)).toEqual([{ userId: other.userId, role: 'owner' }])
    const { items } = (await as(token)('GET', '/projects')).body
    expect(items).toMatchObject([{ id: made }, { name: 'Personal', isPersonal: true, role: 'owner' }])
    const submitted = await as(token)('POST', '/jobs', { kind: 'debug.noop', input: {} })
    expect(submitted).toMatchObject({ status: 202, body: { job: { projectId: items[1].id } } })
    expect((await as(token)('GET', `/schedules/${schedule}`)).body.schedule).toMatchObject({
      paused: true,
      nextRuns: [],
    })
    const inTheirs = await as(other.accessToken)('GET', `/schedules/${elsewhere}`)
    expect(inTheirs.body.schedule).toMatchObject({ paused: true, nextRuns: [] })
    expect((await as(token)('GET', '/auth/me')).body.user).toMatchObject({ isAdmin: false })
    expect(await world.sql`SELECT created_by FROM jobs WHERE id = ${job}`).toEqual([{ createdBy: null }])

    const audit = (await as(token)('GET', `/projects/${made}/audit`)).body.items
    expect(audit.map(({ action }: { action: string }) => action).slice(0, 3)).toEqual([
      'schedule.change',
      'api-key.revoke',
      'member.remove',
    ])
    const [entry] = await world.sql`SELECT user_id, target, ip FROM audit_log WHERE action = 'account.take-over'`
    expect(entry).toEqual({ userId: account.userId, target: account.userId, ip: expect.any(String) })
    const [left] = (await as(other.accessToken)('GET', `/projects/${theirs}/audit`)).body.items
    expect(left, 'which a stranger reads').toMatchObject({
      action: expect.any(String),
      userId: account.userId,
      ip: null,
    })
  })

  test('keeps its project Personal, and what is in it, if nobody else owns that', async ({ world }) => {
    const ada = await world.register()
    const job = await world.http('POST', '/jobs', { token: ada.accessToken, body: { kind: 'debug.noop', input: {} } })
    const token = await resetBy(world, ada)
    expect((await world.http('GET', '/projects', { token })).body.items).toMatchObject([{ id: ada.projectId }])
    expect((await world.http('GET', `/jobs/${job.body.job.id}`, { token })).status).toBe(200)
  })

  test('is handed over however many keys were made: each is told, and none holds it up', async ({ world }) => {
    const ada = await world.register()
    await world.sql`
      INSERT INTO api_keys (id, project_id, created_by, name, secret_hash, hint, scopes)
      SELECT gen_random_uuid(), ${ada.projectId}, ${ada.userId}, 'Key ' || nth, sha256(nth::text::bytea), 'stk_', '{jobs:read}'
      FROM generate_series(1, 20000) AS nth`
    await resetBy(world, ada)
    const [told] = await world.sql`
      SELECT count(*)::integer AS keys, count(DISTINCT data->>'name')::integer AS names
      FROM audit_log WHERE action = 'api-key.revoke' AND project_id = ${ada.projectId}`
    expect(told).toEqual({ keys: 20_000, names: 20_000 })
  })

  test('gets a project Personal when somebody had taken it out of its own', async ({ world }) => {
    const { account, other, as, project } = await prepared(world)
    await as(account.accessToken)('PUT', `${project}/members/${other.userId}`, { role: 'owner' })
    await as(other.accessToken)('DELETE', `${project}/members/${account.userId}`)
    const token = await resetBy(world, account)
    const submitted = await as(token)('POST', '/jobs', { kind: 'debug.noop', input: {} })
    expect(submitted.status).toBe(202)
    expect(submitted.body.job.projectId).not.toBe(account.projectId)
  })
})

test('an account with a confirmed email keeps all of it at a reset', async ({ world }) => {
  const { account, as, made, theirs, keys, schedule, job } = await prepared(world)
  await world.sql`UPDATE users SET email_confirmed_at = now(), is_admin = true WHERE id = ${account.userId}`
  const token = await resetBy(world, account)
  for (const secret of keys) expect((await world.http('GET', '/jobs', { token: secret })).status).toBe(200)
  for (const id of [made, theirs]) expect(await rolesOf(world, id)).toHaveLength(2)
  expect((await as(token)('GET', `/schedules/${schedule}`)).body.schedule).toMatchObject({ paused: false })
  expect((await as(token)('GET', '/auth/me')).body.user).toMatchObject({ isAdmin: true })
  expect(await world.sql`SELECT created_by FROM jobs WHERE id = ${job}`).toEqual([{ createdBy: account.userId }])
})

test('an access token that outlives its session makes nothing that would outlive it', async ({ world }) => {
  const { account, other, as, project, key, schedule } = await prepared(world)
  await world.sql`UPDATE users SET email_confirmed_at = now()`
  await resetBy(world, account)
  const late = as(account.accessToken)
  expect((await late('GET', '/auth/me')).status).toBe(200)
  const ended = { status: 401, body: { code: 'UNAUTHENTICATED' } }
  expect(await key(account.accessToken, account.projectId)).toBeUndefined()
  expect(await late('PUT', `${project}/members/${other.userId}`, { role: 'owner' })).toMatchObject(ended)
  expect(await late('POST', `${project}/members`, { email: other.email, role: 'owner' })).toMatchObject(ended)
  expect(await late('DELETE', project)).toMatchObject(ended)
  const timed = { name: 'Late', cron: '0 0 * * *', kind: 'debug.noop', input: {} }
  expect(await late('POST', '/schedules', timed)).toMatchObject(ended)
  expect(await late('PATCH', `/schedules/${schedule}`, { name: 'Late' })).toMatchObject(ended)
  expect(await late('POST', '/live/tickets')).toMatchObject(ended)
})
