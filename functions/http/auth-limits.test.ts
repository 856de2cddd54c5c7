import { expect } from 'vitest'
import { stopTime } from '../../tests/support/stop-time.ts'
import { test as base, type World } from '../../tests/support/world.ts'

const register = (world: World, change: Record<string, unknown> = {}) =>
  world.http('POST', '/auth/register', {
    body: { email: 'ann@example.com', password: 'correct horse battery', name: 'Ann', ...change },
  })

const login = (world: World, credentials: Record<string, unknown>) =>
  world.http('POST', '/auth/login', { body: credentials })

const refresh = (world: World, refreshToken: string) => world.http('POST', '/auth/refresh', { body: { refreshToken } })

const test = base.override({ environment: { AUTH_RATE_LIMIT_PER_MINUTE: '2' } })

const limited = { status: 429, body: { code: 'RATE_LIMITED' } }

test('the limits end the guessing of passwords from one address', async ({ world }) => {
  const guess = (email: string) => login(world, { email, password: 'wrong' })
  expect((await guess('a@x.org')).status).toBe(401)
  await stopTime(world)
  expect((await guess('b@x.org')).status).toBe(401)
  const answer = await guess('c@x.org')
  expect(answer).toMatchObject(limited)
  expect(answer.headers['retry-after']).toBe('30')
  expect(await register(world)).toMatchObject(limited)
})

test('the limits end the guessing of one account’s password from many addresses, even with the right one', async ({
  world,
}) => {
  const guess = (ip: string, password: string) =>
    world.http('POST', '/auth/login', { ip, body: { email: 'ann@example.com', password } })
  await register(world)
  await stopTime(world)
  await guess('192.0.2.1', 'wrong')
  expect(await guess('192.0.2.2', 'correct horse battery')).toMatchObject(limited)
})

test('the limits count guesses that are made with a stolen access token', async ({ world }) => {
  const { body } = await register(world)
  await stopTime(world)
  const attempt = (ip: string) =>
    world.http('PATCH', '/auth/me', {
      ip,
      token: body.accessToken,
      body: { email: 'mine@example.com', currentPassword: 'wrong' },
    })
  expect((await attempt('192.0.2.1')).status).toBe(401)
  expect(await attempt('192.0.2.2')).toMatchObject(limited)
  const change = await world.http('POST', '/auth/password', {
    ip: '192.0.2.3',
    token: body.accessToken,
    body: { currentPassword: 'wrong', newPassword: 'another battery' },
  })
  expect(change).toMatchObject(limited)
})

test('the limits let clients refresh six times as often', async ({ world }) => {
  const statuses = [(await refresh(world, 'unknown')).status]
  await stopTime(world)
  for (let count = 1; count < 13; count++) statuses.push((await refresh(world, 'unknown')).status)
  expect(statuses).toEqual([...Array(12).fill(401), 429])
  const logout = await world.http('POST', '/auth/logout', { body: { refreshToken: 'unknown' } })
  expect(logout).toMatchObject(limited)
  const headers = { cookie: 'stint_session=unknown' }
  expect(await world.http('POST', '/dashboard/session/refresh', { headers })).toMatchObject(limited)
  expect(await world.http('DELETE', '/dashboard/session', { headers })).toMatchObject(limited)
})

test('the limits count no request that is not valid', async ({ world }) => {
  for (let count = 0; count < 4; count++) expect((await register(world, { name: '' })).status).toBe(422)
  expect((await register(world)).status).toBe(201)
})

test('the limits end the search for accounts by inviting whoever may have one', async ({ world }) => {
  const { body } = await register(world)
  const { accessToken: token } = body
  const projects = await world.http('GET', '/projects', { token })
  const path = `/projects/${projects.body.items[0].id}/members`
  const invite = (email: string, ip?: string) =>
    world.http('POST', path, { token, body: { email, role: 'viewer' }, ...(ip && { ip }) })
  expect((await invite('a@x.org')).status).toBe(404)
  await stopTime(world)
  expect((await invite('b@x.org')).status).toBe(404)
  expect(await invite('c@x.org')).toMatchObject(limited)
  expect(await invite('c@x.org', '192.0.2.2')).toMatchObject(limited)
})
