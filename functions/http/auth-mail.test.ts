import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { stateOf } from '../../tests/scenarios/declared-routes.ts'
import { jobIn, runInShortestStints } from '../../tests/support/run-kind.ts'
import { headerOf } from '../../tests/support/smtp-server.ts'
import { stopTime } from '../../tests/support/stop-time.ts'
import { test as base, type World } from '../../tests/support/world.ts'
import { accountMail } from '../jobs/account-mail.ts'
import { NO_PROJECT } from '../use-cases/planned-mail.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-account-mail-'))
afterAll(() => rmSync(folder, { recursive: true }))

const test = base.override({ environment: { MAIL_FOLDER: folder, PUBLIC_URL: 'https://stint.example.org/' } })

/** Sends what is to be sent. @returns the mails to an address so far, the latest last */
const mailsTo = async (world: World, email: string) => {
  await world.work('default')
  return readdirSync(folder)
    .toSorted()
    .map((name) => ({ raw: readFileSync(join(folder, name), 'utf8') }))
    .filter((mail) => headerOf(mail, 'To') === email)
    .map((mail) => ({
      subject: headerOf(mail, 'Subject'),
      // Quoted-printable.
      link: /https:\/\/stint\.example\.org\S+/.exec(mail.raw.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '='))?.[0],
      raw: mail.raw,
    }))
}

const tokenOf = (mail: { link: string | undefined } | undefined): string => mail?.link?.split('#')[1] ?? ''

const me = async (world: World, token: string) => (await world.http('GET', '/auth/me', { token })).body.user
const verify = (world: World, { accessToken }: { accessToken: string }, token: string) =>
  world.http('POST', '/auth/verify', { token: accessToken, body: { token } })
const forgot = (world: World, email: string, ip?: string) =>
  world.http('POST', '/auth/password/forgot', { body: { email }, ...(ip && { ip }) })
const reset = (world: World, token: string, newPassword = 'a new battery') =>
  world.http('POST', '/auth/password/reset', { body: { token, newPassword } })

const invalidToken = { status: 422, body: { code: 'ACCOUNT_TOKEN_INVALID' } }

describe('a person who registers', () => {
  test('gets a mail, and confirms the address by its token, once', async ({ world }) => {
    const ada = await world.register()
    expect(await me(world, ada.accessToken)).toMatchObject({ emailConfirmedAt: null })
    const mails = await mailsTo(world, ada.email)
    expect(mails).toMatchObject([
      {
        subject: 'Confirm your email address',
        link: expect.stringMatching(/^https:\/\/stint\.example\.org\/dashboard\/confirm-email#[\w-]{43}$/),
      },
    ])
    const token = tokenOf(mails[0])
    expect((await verify(world, ada, token)).status).toBe(204)
    expect(await me(world, ada.accessToken)).toMatchObject({ emailConfirmedAt: expect.any(String) })
    expect(await verify(world, ada, token)).toMatchObject(invalidToken)
  })

  test('can be any number of people at once with the token, of whom one is let through', async ({ world }) => {
    const ada = await world.register()
    const token = tokenOf((await mailsTo(world, ada.email))[0])
    const statuses = (await Promise.all([1, 2, 3, 4].map(() => verify(world, ada, token)))).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([204, 422, 422, 422])
  })

  test('finds the token nowhere but in the mail', async ({ world }) => {
    const ada = await world.register()
    const token = tokenOf((await mailsTo(world, ada.email))[0])
    expect(token).toHaveLength(43)
    const [stored] = await world.sql`
      SELECT (SELECT json_agg(jobs) FROM jobs) AS jobs, (SELECT json_agg(events) FROM events) AS events,
        (SELECT json_agg(job_logs) FROM job_logs) AS logs, (SELECT json_agg(account_tokens) FROM account_tokens) AS tokens`
    expect(JSON.stringify(stored)).toContain('account.mail')
    expect(JSON.stringify(stored)).not.toContain(token)
    expect(world.logged.join('')).not.toContain(token)
  })

  test('sees no job of it, by whatever way', async ({ world }) => {
    const ada = await world.register()
    await mailsTo(world, ada.email)
    const [job] = await world.sql<[{ id: string }]>`SELECT id FROM jobs`
    const get = (url: string) => world.http('GET', url, { token: ada.accessToken })
    expect((await get('/jobs')).body.items).toEqual([])
    expect(await get(`/jobs?projectId=${NO_PROJECT}`)).toMatchObject({ body: { code: 'PROJECT_NOT_FOUND' } })
    for (const path of ['', '/events', '/logs', '/stints'])
      expect(await get(`/jobs/${job.id}${path}`)).toMatchObject({ status: 404 })
  })

  test('is greeted by name once the address is confirmed: before, a stranger may have written the name', async ({
    world,
  }) => {
    const ada = await world.register('Win at evil.example')
    expect((await forgot(world, ada.email)).status).toBe(202)
    const before = await mailsTo(world, ada.email)
    expect(before.map(({ raw }) => raw.includes('evil.example'))).toEqual([false, false])
    expect((await verify(world, ada, tokenOf(before[0]))).status).toBe(204)
    await forgot(world, ada.email)
    expect((await mailsTo(world, ada.email))[2]?.raw).toContain('Hello Win at evil.example,')
  })

  test('gets another mail on demand, of which each is good, until the address is confirmed', async ({ world }) => {
    const ada = await world.register()
    const resend = () => world.http('POST', '/auth/verify/resend', { token: ada.accessToken })
    expect((await resend()).status).toBe(202)
    const mails = await mailsTo(world, ada.email)
    expect(mails).toHaveLength(2)
    expect((await verify(world, ada, tokenOf(mails[1]))).status).toBe(204)
    expect((await resend()).status).toBe(202)
    expect(await mailsTo(world, ada.email)).toHaveLength(2)
  })

  test('and then has another address, confirms that one', async ({ world }) => {
    const ada = await world.register()
    const old = tokenOf((await mailsTo(world, ada.email))[0])
    const email = `new-${ada.email}`
    const body = { email, currentPassword: ada.password }
    const changed = await world.http('PATCH', '/auth/me', { token: ada.accessToken, body })
    expect(changed.body.user).toMatchObject({ email, emailConfirmedAt: null })
    expect(await verify(world, ada, old)).toMatchObject(invalidToken)
    const mails = await mailsTo(world, email)
    expect((await verify(world, ada, tokenOf(mails[0]))).status).toBe(204)
    const cased = { email: email.toUpperCase(), currentPassword: ada.password }
    const again = await world.http('PATCH', '/auth/me', { token: ada.accessToken, body: cased })
    expect(again.body.user).toMatchObject({ emailConfirmedAt: expect.any(String) })
  })

  test('and then changes it, is told so at the address that was confirmed', async ({ world }) => {
    const ada = await world.register()
    const changeTo = (email: string) =>
      world.http('PATCH', '/auth/me', { token: ada.accessToken, body: { email, currentPassword: ada.password } })
    const [first, second] = [`first-${ada.email}`, `second-${ada.email}`]
    await changeTo(first)
    expect((await mailsTo(world, ada.email)).map(({ subject }) => subject)).not.toContain(
      'Your email address was changed',
    )
    expect((await verify(world, ada, tokenOf((await mailsTo(world, first))[0]))).status).toBe(204)
    await changeTo(first.toUpperCase())
    await changeTo(first)
    expect(await mailsTo(world, first)).toHaveLength(1)
    await changeTo(second)
    const told = (await mailsTo(world, first))[1]
    expect(told).toMatchObject({ subject: 'Your email address was changed', link: undefined })
    expect(told?.raw).not.toContain(second)
    expect((await mailsTo(world, second)).map(({ subject }) => subject)).toEqual(['Confirm your email address'])
  })
})

test('who reads the mail and is not signed in to its account confirms nothing, and spends no token', async ({
  world,
}) => {
  const eve = await world.register('Eve')
  const ada = await world.register()
  const token = tokenOf((await mailsTo(world, ada.email))[0])
  expect(await world.http('POST', '/auth/verify', { body: { token } })).toMatchObject({ status: 401 })
  expect(await verify(world, eve, token)).toMatchObject(invalidToken)
  expect(await me(world, ada.accessToken)).toMatchObject({ emailConfirmedAt: null })
  expect((await verify(world, ada, token)).status).toBe(204)
})

describe('a forgotten password', () => {
  /** Somebody who asked for a new password. */
  const forgetful = async (world: World) => {
    const ada = await world.register()
    expect((await forgot(world, ada.email.toUpperCase())).status).toBe(202)
    const mails = await mailsTo(world, ada.email)
    const mail = mails.find(({ subject }) => subject === 'Choose a new password')
    return { ada, token: tokenOf(mail), mail }
  }
  const login = (world: World, email: string, password: string) =>
    world.http('POST', '/auth/login', { body: { email, password } })

  test('is replaced by the token of a mail, and every session ends', async ({ world }) => {
    const { ada, token, mail } = await forgetful(world)
    expect(mail?.link).toMatch(/^https:\/\/stint\.example\.org\/dashboard\/new-password#/)
    expect((await reset(world, token, 'a new battery')).status).toBe(204)
    expect((await login(world, ada.email, ada.password)).status).toBe(401)
    expect((await login(world, ada.email, 'a new battery')).body.user).toMatchObject({
      emailConfirmedAt: expect.any(String),
    })
    const refreshed = await world.http('POST', '/auth/refresh', { body: { refreshToken: ada.refreshToken } })
    expect(refreshed.status).toBe(401)
    const told = await mailsTo(world, ada.email)
    expect(told.map(({ subject }) => subject)).toContain('Your password was changed')
  })

  test('is replaced once, by one of many at the same moment', async ({ world }) => {
    const { token } = await forgetful(world)
    const statuses = (await Promise.all([1, 2, 3].map(() => reset(world, token)))).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([204, 422, 422])
  })

  test('is replaced once by many tokens at the same moment: each change ends the others', async ({ world }) => {
    const { ada } = await forgetful(world)
    await forgot(world, ada.email, '192.0.2.7')
    const mails = (await mailsTo(world, ada.email)).filter(({ subject }) => subject === 'Choose a new password')
    expect(mails).toHaveLength(2)
    const answers = await Promise.all(mails.map((mail) => reset(world, tokenOf(mail))))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 422])
  })

  test('can be replaced by no token that was sent before another change', async ({ world }) => {
    const { ada, token } = await forgetful(world)
    const body = { currentPassword: ada.password, newPassword: 'another battery' }
    expect((await world.http('POST', '/auth/password', { token: ada.accessToken, body })).status).toBe(200)
    expect(await reset(world, token)).toMatchObject(invalidToken)
    expect((await login(world, ada.email, 'another battery')).status).toBe(200)
  })

  test('can be replaced by no token that has expired, is for another purpose, or was made up', async ({ world }) => {
    const { ada, token } = await forgetful(world)
    const confirming = tokenOf((await mailsTo(world, ada.email))[0])
    expect(await verify(world, ada, token)).toMatchObject(invalidToken)
    expect(await reset(world, confirming)).toMatchObject(invalidToken)
    expect(await reset(world, 'A'.repeat(43))).toMatchObject(invalidToken)
    await world.sql`UPDATE account_tokens SET expires_at = now()`
    expect(await reset(world, token)).toMatchObject(invalidToken)
    expect((await login(world, ada.email, ada.password)).status).toBe(200)
  })

  test('can be replaced by no token that was sent to an address which the person no longer has', async ({ world }) => {
    const { ada, token } = await forgetful(world)
    const body = { email: `not-${ada.email}`, currentPassword: ada.password }
    expect((await world.http('PATCH', '/auth/me', { token: ada.accessToken, body })).status).toBe(200)
    expect(await reset(world, token)).toMatchObject(invalidToken)
    expect((await login(world, body.email, ada.password)).status).toBe(200)
  })

  test('of an account that is not there is answered alike, after the same work', async ({ world }) => {
    const ada = await world.register()
    const added = async (email: string) => {
      const before = await stateOf(world.sql)
      const { status, body, headers } = await forgot(world, email)
      const after = await stateOf(world.sql)
      const rows = Object.fromEntries(
        Object.entries(after).map(([name, state]) => [name, state.rows - (before[name]?.rows ?? 0)]),
      )
      return { status, body, names: Object.keys(headers).toSorted(), rows }
    }
    // The first one makes the address's row of the rate limits.
    await forgot(world, 'nobody-1@example.com')
    const known = await added(ada.email)
    expect(await added('nobody-2@example.com')).toEqual(known)
    expect(known).toMatchObject({ status: 202, body: undefined, rows: { jobs: 1, events: 1 } })
    await world.work('default')
    const results = await world.sql`SELECT result->'sent' AS sent FROM jobs WHERE input->>'email' LIKE 'nobody%'`
    expect(results).toEqual([{ sent: false }, { sent: false }])
  })
})

test('the job sends one mail through as many stints as there are safe points', async ({ world }) => {
  const ada = await world.register()
  const context = jobIn(world.app, NO_PROJECT, { jobId: newId() })
  const input = { purpose: 'reset-password', email: ada.email }
  const { stints, result } = await runInShortestStints(accountMail, { input, context })
  expect([stints, result]).toEqual([3, { sent: true }])
  expect((await reset(world, context.secret('reset-password'))).status).toBe(204)
})

test('nobody may have such a mail sent by a job or a schedule of their own', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const body = { kind: 'account.mail', input: { purpose: 'reset-password', email: 'ben@example.com' } }
  expect(await world.http('POST', '/jobs', { token, body })).toMatchObject({ body: { code: 'UNKNOWN_KIND' } })
  const schedule = { name: 'Mine', cron: '* * * * *', ...body }
  expect(await world.http('POST', '/schedules', { token, body: schedule })).toMatchObject({
    body: { code: 'UNKNOWN_KIND' },
  })
  expect(JSON.stringify((await world.http('GET', '/job-kinds', { token })).body)).not.toContain('account.mail')
})

describe('where the API has no address to lead to', () => {
  const quiet = base.override({ environment: {} })

  quiet('registration sends nothing, and nothing else is promised', async ({ world }) => {
    const ada = await world.register()
    expect(await world.sql`SELECT id FROM jobs`).toEqual([])
    const missing = { status: 503, body: { code: 'MAIL_NOT_CONFIGURED' } }
    expect(await forgot(world, ada.email)).toMatchObject(missing)
    expect(await world.http('POST', '/auth/verify/resend', { token: ada.accessToken })).toMatchObject(missing)
  })
})

describe('the limits', () => {
  const strict = base.override({
    environment: { PUBLIC_URL: 'https://stint.example.org', AUTH_RATE_LIMIT_PER_MINUTE: '5' },
  })
  const limited = { status: 429, body: { code: 'RATE_LIMITED' } }

  strict('keep a mailbox from being filled, from however many addresses', async ({ world }) => {
    expect((await forgot(world, 'ann@example.com', '192.0.2.1')).status).toBe(202)
    await stopTime(world)
    expect(await forgot(world, 'ann@example.com', '192.0.2.2')).toMatchObject(limited)
    expect((await forgot(world, 'ben@example.com', '192.0.2.3')).status).toBe(202)
  })

  strict('end the guessing of tokens', async ({ world }) => {
    const ada = await world.register()
    const statuses = [(await verify(world, ada, 'guess')).status]
    await stopTime(world)
    for (let count = 1; count < 6; count++) statuses.push((await verify(world, ada, 'guess')).status)
    expect(statuses).toEqual([422, 422, 422, 422, 422, 429])
    expect(await reset(world, 'guess')).toMatchObject(limited)
  })
})
