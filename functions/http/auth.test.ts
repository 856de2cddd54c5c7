import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { describe, expect } from 'vitest'
import * as users from '../../db/queries/users.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { test, type World } from '../../tests/support/world.ts'

const newPerson = (change: Record<string, unknown> = {}) => ({
  email: 'ann@example.com',
  password: 'correct horse battery',
  name: 'Ann',
  ...change,
})

const register = (world: World, change: Record<string, unknown> = {}) =>
  world.http('POST', '/auth/register', { body: newPerson(change) })

const login = (world: World, credentials: Record<string, unknown>) =>
  world.http('POST', '/auth/login', { body: credentials })

const refresh = (world: World, refreshToken: string) => world.http('POST', '/auth/refresh', { body: { refreshToken } })

const me = (world: World, token: string) => world.http('GET', '/auth/me', { token })

/** How many rows registration leaves. */
const people = async ({ sql }: World) => {
  const [row] = await sql<[{ users: number; projects: number; memberships: number; sessions: number }]>`
    SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM projects) AS projects,
      (SELECT count(*) FROM memberships) AS memberships, (SELECT count(*) FROM sessions) AS sessions`
  return row
}

const NOBODY = { users: 0, projects: 0, memberships: 0, sessions: 0 }

describe('registration', () => {
  test('makes an account and signs it in', async ({ world }) => {
    const answer = await register(world, { email: '  Ann@Example.com ', name: ' Ann ' })
    expect(answer.status).toBe(201)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toEqual({
      user: {
        id: expect.any(String),
        email: 'Ann@Example.com',
        emailConfirmedAt: null,
        name: 'Ann',
        isAdmin: false,
        createdAt: expect.any(String),
      },
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresInSeconds: 900,
    })
    expect((await me(world, answer.body.accessToken)).body).toEqual({ user: answer.body.user })
  })

  test('gives the person a project Personal, which they own', async ({ world }) => {
    const { body } = await register(world)
    const projects = await world.http('GET', '/projects', { token: body.accessToken })
    expect(projects.body.items).toEqual([
      expect.objectContaining({ name: 'Personal', role: 'owner', isPersonal: true }),
    ])
  })

  test('keeps a hash of the password and nothing else of it', async ({ world }) => {
    await register(world)
    const rows = await world.sql`SELECT * FROM users`
    expect(rows[0]?.['passwordHash']).toMatch(/^\$argon2id\$/)
    expect(JSON.stringify(rows)).not.toContain('correct horse')
  })

  test('refuses an email that is taken, however it is written, and leaves nothing behind', async ({ world }) => {
    await register(world)
    const again = await register(world, { email: 'ANN@example.COM', name: 'Other' })
    expect(again).toMatchObject({ status: 409, body: { code: 'EMAIL_TAKEN' } })
    expect(await people(world)).toEqual({ users: 1, projects: 1, memberships: 1, sessions: 1 })
  })

  test('lets one of many win who register one email at the same moment', async ({ world }) => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => register(world)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    expect(await people(world)).toEqual({ users: 1, projects: 1, memberships: 1, sessions: 1 })
  })

  test('takes passwords of 10 to 200 characters, counted as people count them', async ({ world }) => {
    const accepted = ['0123456789', 'x'.repeat(200), '🦊'.repeat(10), '🦊'.repeat(200)]
    for (const [index, password] of accepted.entries()) {
      const email = `person-${index}@example.com`
      expect((await register(world, { email, password })).status).toBe(201)
      expect((await login(world, { email, password })).status).toBe(200)
    }
  })

  const REFUSED: [string, string, Record<string, unknown>][] = [
    ['a short password', 'password', { password: '012345678' }],
    ['a short password of wide characters', 'password', { password: '🦊'.repeat(9) }],
    ['a long password', 'password', { password: 'x'.repeat(201) }],
    ['a password that is a number', 'password', { password: 1_234_567_890 }],
    ['no password', 'password', { password: undefined }],
    ['no email', 'email', { email: undefined }],
    ['an email that is none', 'email', { email: 'ann' }],
    ['an email with a space inside', 'email', { email: 'an n@example.com' }],
    ['an email that is too long', 'email', { email: `${'a'.repeat(250)}@x.org` }],
    ['an email of a megabyte', 'email', { email: `${'a.'.repeat(500_000)}@x.org` }],
    ['an email that is null', 'email', { email: null }],
    ['an email that is a list', 'email', { email: ['ann@example.com'] }],
    ['no name', 'name', { name: undefined }],
    ['a blank name', 'name', { name: '   ' }],
    ['a long name', 'name', { name: 'x'.repeat(101) }],
    ['a name with a NUL', 'name', { name: 'An\u0000n' }],
    ['a name with a high surrogate alone', 'name', { name: 'Ann \ud800' }],
    ['a name with a low surrogate alone', 'name', { name: 'Ann \udc00' }],
    ['a field that is not known', 'isAdmin', { isAdmin: true }],
  ]
  test('refuses what is wrong by the name of its field, and leaves nothing behind', async ({ world }) => {
    for (const [what, path, change] of REFUSED) {
      const answer = await register(world, change)
      expect(answer, what).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } })
      expect(
        answer.body.errors.map((error: { path: string }) => error.path),
        what,
      ).toEqual([path])
    }
    expect(await people(world)).toEqual(NOBODY)
  })
})

describe('signing in', () => {
  test('takes the email in any case, with spaces around it', async ({ world }) => {
    const { body } = await register(world)
    const answer = await login(world, { email: ' ANN@example.com ', password: 'correct horse battery' })
    expect(answer.status).toBe(200)
    expect(answer.body.user).toEqual(body.user)
    expect((await me(world, answer.body.accessToken)).status).toBe(200)
  })

  test('says the same for a wrong password as for an account that does not exist', async ({ world }) => {
    await register(world)
    const wrong = await login(world, { email: 'ann@example.com', password: 'correct horse batterz' })
    const unknown = await login(world, { email: 'ben@example.com', password: 'correct horse battery' })
    expect(wrong).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } })
    const { requestId: _, ...first } = wrong.body
    expect(unknown.body).toMatchObject(first)
    expect((await people(world)).sessions).toBe(1)
  })
})

describe('refreshing', () => {
  test('gives the next pair of tokens', async ({ world }) => {
    const { body } = await register(world)
    const answer = await refresh(world, body.refreshToken)
    expect(answer.status).toBe(200)
    expect(answer.body.user).toEqual(body.user)
    expect(answer.body.refreshToken).not.toBe(body.refreshToken)
    expect((await me(world, answer.body.accessToken)).status).toBe(200)
  })

  test('stays in the session that it began in, as the access tokens say', async ({ world }) => {
    const { body: first } = await register(world)
    const { body: next } = await refresh(world, first.refreshToken)
    const { email, password } = newPerson()
    const { body: other } = await login(world, { email, password })
    const [a, b, c] = [first, next, other].map(({ accessToken }) => decodeJwt(accessToken)['sid'])
    expect(b).toBe(a)
    const rows = await world.sql<{ id: string }[]>`SELECT id FROM sessions ORDER BY id`
    expect(rows.map(({ id }) => id)).toEqual([a, c])
  })

  test('gives two tabs with one token the same next token', async ({ world }) => {
    const { body } = await register(world)
    const [one, two] = await Promise.all([refresh(world, body.refreshToken), refresh(world, body.refreshToken)])
    expect([one.status, two.status]).toEqual([200, 200])
    expect(one.body.refreshToken).toBe(two.body.refreshToken)
  })

  test('ends the session when a token comes again whose successor was used', async ({ world }) => {
    const { body: first } = await register(world)
    const { body: second } = await refresh(world, first.refreshToken)
    const { body: third } = await refresh(world, second.refreshToken)
    expect(await refresh(world, first.refreshToken)).toMatchObject({
      status: 401,
      body: { code: 'REFRESH_TOKEN_REUSED' },
    })
    expect(await refresh(world, third.refreshToken)).toMatchObject({
      status: 401,
      body: { code: 'REFRESH_TOKEN_INVALID' },
    })
  })

  test('does not take an access token, nor is a refresh token one', async ({ world }) => {
    const { body } = await register(world)
    expect((await refresh(world, body.accessToken.slice(0, 500))).body.code).toBe('REFRESH_TOKEN_INVALID')
    expect((await me(world, body.refreshToken)).body.code).toBe('UNAUTHENTICATED')
  })
})

describe('signing out', () => {
  test('ends the session, and is content with a token that is unknown or was used for it before', async ({ world }) => {
    const { body } = await register(world)
    for (const refreshToken of [body.refreshToken, body.refreshToken, 'never-given-out']) {
      const answer = await world.http('POST', '/auth/logout', { body: { refreshToken } })
      expect(answer).toMatchObject({ status: 204, body: undefined })
    }
    expect((await refresh(world, body.refreshToken)).body.code).toBe('REFRESH_TOKEN_INVALID')
  })
})

describe('an access token', () => {
  const ROUTES = [
    ['GET', '/auth/me'],
    ['PATCH', '/auth/me'],
    ['POST', '/auth/password'],
    ['GET', '/projects'],
    ['POST', '/projects'],
  ] as const

  test('is asked for before anything else is looked at', async ({ world }) => {
    for (const [method, path] of ROUTES) {
      const none = await world.http(method, path, { body: 'not json' })
      expect(none, path).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
      expect(none.headers['www-authenticate']).toBe('Bearer')
      const forged = await world.http(method, path, { token: 'forged', body: 'not json' })
      expect(forged, path).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
      expect(forged.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    }
  })

  test('may stand behind more than one space', async ({ world }) => {
    const { body } = await register(world)
    const spaced = (token: string) => world.http('GET', '/auth/me', { headers: { authorization: `bearer   ${token}` } })
    expect((await spaced(body.accessToken)).status).toBe(200)
    expect((await spaced('forged')).headers['www-authenticate']).toBe('Bearer error="invalid_token"')
  })

  test('is good for fifteen minutes', async ({ world }) => {
    const { body } = await register(world)
    world.advance(890)
    expect((await me(world, body.accessToken)).status).toBe(200)
    world.advance(11)
    expect((await me(world, body.accessToken)).status).toBe(401)
  })

  test('is good for nothing once its account is gone', async ({ world }) => {
    const { body } = await register(world)
    await world.sql`DELETE FROM users`
    const token = body.accessToken
    const attempts = [
      me(world, token),
      world.http('PATCH', '/auth/me', { token, body: { name: 'Ghost' } }),
      world.http('POST', '/auth/password', {
        token,
        body: { currentPassword: 'correct horse battery', newPassword: 'another battery' },
      }),
      world.http('GET', '/projects', { token }),
      world.http('POST', '/projects', { token, body: { name: 'Ghosts' } }),
    ]
    for (const answer of await Promise.all(attempts)) {
      expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    }
    expect((await refresh(world, body.refreshToken)).body.code).toBe('REFRESH_TOKEN_INVALID')
    const ghosts = await world.sql`SELECT FROM projects WHERE name = 'Ghosts'`
    expect(ghosts).toHaveLength(0)
  })

  test('can be verified by anyone who reads the published keys', async ({ world }) => {
    const { body } = await register(world)
    const published = await world.http('GET', '/.well-known/jwks.json')
    expect(published.headers['cache-control']).toBe('public, max-age=300')
    const { payload } = await jwtVerify(body.accessToken, createLocalJWKSet(published.body), {
      issuer: world.app.config.auth.issuer,
      audience: world.app.config.auth.audience,
    })
    expect(payload.sub).toBe(body.user.id)
    for (const key of published.body.keys) expect(Object.keys(key)).not.toContain('d')
  })
})

describe('one’s profile', () => {
  const update = (world: World, token: string, body: unknown) => world.http('PATCH', '/auth/me', { token, body })

  test('takes another name', async ({ world }) => {
    const { body } = await register(world)
    const answer = await update(world, body.accessToken, { name: 'Anna' })
    expect(answer).toMatchObject({ status: 200, body: { user: { ...body.user, name: 'Anna' } } })
  })

  test('takes another email with the password', async ({ world }) => {
    const { body } = await register(world)
    const change = { email: 'Anna@example.com', currentPassword: 'correct horse battery' }
    const answer = await update(world, body.accessToken, change)
    expect(answer).toMatchObject({ status: 200, body: { user: { ...body.user, email: 'Anna@example.com' } } })
    const credentials = { email: 'anna@example.com', password: 'correct horse battery' }
    expect((await login(world, credentials)).status).toBe(200)
    expect((await login(world, { ...credentials, email: 'ann@example.com' })).status).toBe(401)
  })

  test('takes no other email without the password, nor with a wrong one, nor one that is taken', async ({ world }) => {
    const { body } = await register(world)
    await register(world, { email: 'ben@example.com', name: 'Ben' })
    const without = await update(world, body.accessToken, { email: 'anna@example.com' })
    expect(without).toMatchObject({ status: 422, body: { errors: [{ path: 'currentPassword' }] } })
    const wrong = await update(world, body.accessToken, { email: 'anna@example.com', currentPassword: 'wrong' })
    expect(wrong).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } })
    const taken = { email: 'BEN@example.com', currentPassword: 'correct horse battery' }
    expect(await update(world, body.accessToken, taken)).toMatchObject({ status: 409, body: { code: 'EMAIL_TAKEN' } })
    expect((await me(world, body.accessToken)).body).toEqual({ user: body.user })
  })

  test('takes no other email with a password that is replaced while it is checked', async ({ world }) => {
    const { body } = await register(world)
    const changed = await world.sql.begin(async (tx) => {
      await tx`UPDATE users SET password_hash = 'another'`
      const answer = update(world, body.accessToken, {
        email: 'eve@example.com',
        currentPassword: 'correct horse battery',
      })
      await untilOneWaits(world.sql)
      return { answer }
    })
    expect(await changed.answer).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } })
    expect(await users.findById(world.sql, body.user.id)).toMatchObject({ email: 'ann@example.com' })
  })

  test('takes the same email in another case', async ({ world }) => {
    const { body } = await register(world)
    const change = { email: 'ANN@example.com', currentPassword: 'correct horse battery' }
    expect((await update(world, body.accessToken, change)).body.user.email).toBe('ANN@example.com')
  })

  test('does not take what a person may not decide', async ({ world }) => {
    const { body } = await register(world)
    const answer = await update(world, body.accessToken, { isAdmin: true })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'isAdmin' }] } })
    expect(await users.findById(world.sql, body.user.id)).toMatchObject({ isAdmin: false })
  })
})

describe('a change of the password', () => {
  const change = (world: World, token: string, currentPassword: string, newPassword: string) =>
    world.http('POST', '/auth/password', { token, body: { currentPassword, newPassword } })

  test('ends every session and answers with the tokens of a new one', async ({ world }) => {
    const { body } = await register(world)
    const credentials = { email: 'ann@example.com', password: 'correct horse battery' }
    const elsewhere = await login(world, credentials)
    const answer = await change(world, body.accessToken, 'correct horse battery', 'another battery')
    expect(answer).toMatchObject({ status: 200, body: { user: body.user } })
    for (const token of [body.refreshToken, elsewhere.body.refreshToken]) {
      expect((await refresh(world, token)).body.code).toBe('REFRESH_TOKEN_INVALID')
    }
    expect((await refresh(world, answer.body.refreshToken)).status).toBe(200)
    expect((await login(world, credentials)).status).toBe(401)
    expect((await login(world, { ...credentials, password: 'another battery' })).status).toBe(200)
  })

  test('takes the current password, and a new one that is long enough', async ({ world }) => {
    const { body } = await register(world)
    const wrong = await change(world, body.accessToken, 'wrong', 'another battery')
    expect(wrong).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } })
    const short = await change(world, body.accessToken, 'correct horse battery', 'short')
    expect(short).toMatchObject({ status: 422, body: { errors: [{ path: 'newPassword' }] } })
    expect((await refresh(world, body.refreshToken)).status).toBe(200)
  })

  test('is won by one of two at the same moment', async ({ world }) => {
    const { body } = await register(world)
    const answers = await Promise.all(
      ['another battery', 'a third battery'].map((next) =>
        change(world, body.accessToken, 'correct horse battery', next),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
    const open = await world.sql`SELECT FROM sessions WHERE revoked_at IS NULL`
    expect(open).toHaveLength(1)
  })
})
