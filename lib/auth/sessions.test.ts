import { expect } from 'vitest'
import * as sessions from '../../db/queries/sessions.ts'
import * as users from '../../db/queries/users.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { test } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { endSession, refreshSession, startSession } from './sessions.ts'

const newUser = (app: App): Promise<users.UserRow> =>
  users.insert(app.sql, { id: newId(), email: `${newId()}@x.org`, name: 'Ann', passwordHash: 'hash' })

const newToken = async (app: App): Promise<{ token: string; sessionId: string; userId: string }> => {
  const user = await newUser(app)
  const { refreshToken: token, sessionId } = await startSession(app.sql, user)
  return { token, sessionId, userId: user.id }
}

/** The same as waiting, without waiting. */
const pretend = async (app: App, secondsPassed: number): Promise<void> => {
  await app.sql`
    UPDATE session_tokens SET expires_at = expires_at - ${secondsPassed} * interval '1 second',
      spent_at = spent_at - ${secondsPassed} * interval '1 second'`
}

const INVALID = { code: 'REFRESH_TOKEN_INVALID', status: 401 }
const REUSED = { code: 'REFRESH_TOKEN_REUSED', status: 401 }

test('a token is 256 random bits, of which only a hash is stored', async ({ world: { app } }) => {
  const { token } = await newToken(app)
  expect(token).toMatch(/^[\w-]{43}$/)
  const rows = await app.sql`SELECT * FROM session_tokens`
  expect(rows).toHaveLength(1)
  expect(JSON.stringify(rows)).not.toContain(token)
})

test('an exchange gives the next token of the same person and session', async ({ world: { app } }) => {
  const { token, userId, sessionId } = await newToken(app)
  const first = await refreshSession(app, token)
  expect(first).toEqual({ userId, sessionId, refreshToken: expect.stringMatching(/^[\w-]{43}$/) })
  const second = await refreshSession(app, first.refreshToken)
  expect(new Set([token, first.refreshToken, second.refreshToken]).size).toBe(3)
})

test('exchanges of one token at the same moment all give the same successor', async ({ world: { app } }) => {
  const { token } = await newToken(app)
  const given = await Promise.all(Array.from({ length: 12 }, () => refreshSession(app, token)))
  expect(new Set(given.map(({ refreshToken }) => refreshToken)).size).toBe(1)
  const [stored] = await app.sql<[{ count: number }]>`SELECT count(*) FROM session_tokens`
  expect(stored.count).toBe(2)
  await refreshSession(app, given[0]!.refreshToken)
})

test('a repeat within ten seconds gives the same successor, because the reply may have been lost', async ({
  world: { app },
}) => {
  const { token } = await newToken(app)
  const first = await refreshSession(app, token)
  // Far from the ten: the repeat itself takes time.
  await pretend(app, 5)
  expect(await refreshSession(app, token)).toEqual(first)
})

test('a repeat after ten seconds is reuse and ends the session', async ({ world: { app } }) => {
  const { token } = await newToken(app)
  const { refreshToken } = await refreshSession(app, token)
  await pretend(app, 11)
  await expect(refreshSession(app, token)).rejects.toMatchObject(REUSED)
  await expect(refreshSession(app, refreshToken)).rejects.toMatchObject(INVALID)
})

test('a repeat whose successor was used is reuse, even within ten seconds, and ends the session', async ({
  world: { app },
}) => {
  const { token } = await newToken(app)
  const { refreshToken: second } = await refreshSession(app, token)
  const { refreshToken: third } = await refreshSession(app, second)
  await expect(refreshSession(app, token)).rejects.toMatchObject(REUSED)
  await expect(refreshSession(app, third)).rejects.toMatchObject(INVALID)
  await expect(refreshSession(app, token)).rejects.toMatchObject(INVALID)
})

test('reuse ends no other session of the person', async ({ world: { app } }) => {
  const user = await newUser(app)
  const [{ refreshToken: phone }, { refreshToken: laptop }] = [
    await startSession(app.sql, user),
    await startSession(app.sql, user),
  ]
  await refreshSession(app, phone)
  await pretend(app, 11)
  await expect(refreshSession(app, phone)).rejects.toMatchObject(REUSED)
  expect(await refreshSession(app, laptop)).toMatchObject({ userId: user.id })
})

test('a token is good for a day, and its successor for a day from then', async ({ world: { app } }) => {
  const { token } = await newToken(app)
  await pretend(app, 86_390)
  const { refreshToken } = await refreshSession(app, token)
  await pretend(app, 86_390)
  await refreshSession(app, refreshToken)
})

test('an expired token is invalid, spent or not', async ({ world: { app } }) => {
  const [one, other] = [await newToken(app), await newToken(app)]
  await refreshSession(app, other.token)
  await pretend(app, 86_401)
  await expect(refreshSession(app, one.token)).rejects.toMatchObject(INVALID)
  await expect(refreshSession(app, other.token)).rejects.toMatchObject(INVALID)
})

test('a token that nobody gave out is invalid', async ({ world: { app } }) => {
  for (const token of ['', 'garbage', 'A'.repeat(43), 'A'.repeat(500), 'ä', "' OR true --"]) {
    await expect(refreshSession(app, token), token).rejects.toMatchObject(INVALID)
    await endSession(app, token)
  }
})

test('a token under another server key derives another successor', async ({ world: { app } }) => {
  const { token } = await newToken(app)
  const { refreshToken } = await refreshSession(app, token)
  const refreshKey = Buffer.alloc(32, 7).toString('base64')
  const signing = { keys: [], refreshKey }
  const elsewhere: App = { ...app, config: { ...app.config, auth: { ...app.config.auth, signing } } }
  const { token: another } = await newToken(app)
  expect((await refreshSession(elsewhere, another)).refreshToken).not.toBe(refreshToken)
})

test('signing out ends the session, by its living token as by a spent one', async ({ world: { app } }) => {
  for (const which of ['spent', 'living'] as const) {
    const { token } = await newToken(app)
    const { refreshToken } = await refreshSession(app, token)
    await endSession(app, which === 'spent' ? token : refreshToken)
    await expect(refreshSession(app, refreshToken)).rejects.toMatchObject(INVALID)
    await expect(refreshSession(app, token)).rejects.toMatchObject(INVALID)
  }
})

test('a successor that is being made while its session is ended is not good', async ({ world: { app } }) => {
  const { token } = await newToken(app)
  let successor = ''
  await app.sql.begin(async (tx) => {
    successor = (await refreshSession({ ...app, sql: tx as never }, token)).refreshToken
    await endSession(app, token)
  })
  await expect(refreshSession(app, successor)).rejects.toMatchObject(INVALID)
})

test('no session starts with a password that was changed since it was checked', async ({ world: { app } }) => {
  const user = await newUser(app)
  expect(await users.updatePassword(app.sql, user.id, { checked: 'hash', next: 'other' })).toBe(true)
  await expect(startSession(app.sql, user)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
  const rows = await app.sql`SELECT FROM sessions`
  expect(rows).toHaveLength(0)
})

test('a sign-in with the old password, at the moment of the change, leaves no session behind', async ({
  world: { app },
}) => {
  const user = await newUser(app)
  const { late } = await app.sql.begin(async (tx) => {
    await users.updatePassword(tx, user.id, { checked: 'hash', next: 'other' })
    await sessions.revokeAllOfUser(tx, user.id)
    const late = startSession(app.sql, user).catch((error: unknown) => error)
    await untilOneWaits(app.sql)
    return { late }
  })
  expect(await late).toMatchObject({ code: 'INVALID_CREDENTIALS' })
  const open = await app.sql`SELECT FROM sessions WHERE revoked_at IS NULL`
  expect(open).toHaveLength(0)
})

test('expired tokens are removed, then the sessions that have none left; living sessions keep theirs', async ({
  world: { app },
}) => {
  await newToken(app)
  const { token } = await newToken(app)
  const { refreshToken } = await refreshSession(app, token)
  await pretend(app, 86_461)
  const living = await newToken(app)
  expect(await sessions.deleteExpiredTokens(app.sql, 2)).toBe(2)
  expect(await sessions.deleteExpiredTokens(app.sql, 100)).toBe(1)
  expect(await sessions.deleteEmpty(app.sql, 100)).toBe(2)
  await expect(refreshSession(app, refreshToken)).rejects.toMatchObject(INVALID)
  expect(await refreshSession(app, living.token)).toMatchObject({ userId: living.userId })
})
