import { describe, expect } from 'vitest'
import { test, type World } from '../../tests/support/world.ts'

const cookieOf = (answer: { headers: Record<string, string> }): string => answer.headers['set-cookie'] ?? ''
/** As a browser sends it back. */
const sent = (setCookie: string): string => setCookie.split(';')[0] ?? ''

const person = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
const register = (world: World) => world.http('POST', '/dashboard/session/registration', { body: person })
const refresh = (world: World, cookie: string, headers: Record<string, string> = {}) =>
  world.http('POST', '/dashboard/session/refresh', { headers: { ...headers, cookie } })

describe('a session of the dashboard', () => {
  test('has its refresh token in a cookie that no script sees, and nowhere else', async ({ world }) => {
    const registered = await register(world)
    expect(registered.status).toBe(201)
    expect(cookieOf(registered)).toMatch(
      /^stint_session=[\w-]{40,}; Path=\/dashboard\/session; Max-Age=86400; HttpOnly; SameSite=Strict$/,
    )
    expect(registered.body).not.toHaveProperty('refreshToken')
    const me = await world.http('GET', '/auth/me', { token: registered.body.accessToken })
    expect(me.body.user.email).toBe(person.email)
  })

  test('has a cookie that asks for TLS and that only this host can set, where the page came by TLS', async ({
    world,
  }) => {
    await register(world)
    const { password, email } = person
    const headers = { 'x-forwarded-proto': 'https' }
    const signedIn = await world.http('POST', '/dashboard/session', { body: { email, password }, headers })
    const cookie = cookieOf(signedIn)
    expect(cookie).toMatch(
      /^__Host-stint_session=[\w-]{40,}; Path=\/; Max-Age=86400; HttpOnly; SameSite=Strict; Secure$/,
    )
    const unsafe = sent(cookie).replace('__Host-', '')
    expect((await refresh(world, unsafe, headers)).status).toBe(204)
    const next = await refresh(world, `${unsafe}; ${sent(cookie)}`, headers)
    expect(next.status).toBe(200)
    const left = await world.http('DELETE', '/dashboard/session', {
      headers: { ...headers, cookie: sent(cookieOf(next)) },
    })
    expect(cookieOf(left)).toMatch(/^__Host-stint_session=; Path=\/; Max-Age=0; .*Secure$/)
  })

  test('goes on with another token each time, and ends when a spent one comes again', async ({ world }) => {
    const first = cookieOf(await register(world))
    const next = await refresh(world, sent(first))
    expect(next.status).toBe(200)
    expect(sent(cookieOf(next))).not.toBe(sent(first))
    const after = await refresh(world, sent(cookieOf(next)))
    expect(after.status).toBe(200)
    expect((await refresh(world, sent(first))).body.code).toBe('REFRESH_TOKEN_REUSED')
    expect((await refresh(world, sent(cookieOf(after)))).status).toBe(401)
  })

  test('is not there without a cookie', async ({ world }) => {
    expect((await world.http('POST', '/dashboard/session/refresh')).status).toBe(204)
  })

  test('is over after signing out, and its cookie is taken back', async ({ world }) => {
    const cookie = sent(cookieOf(await register(world)))
    const left = await world.http('DELETE', '/dashboard/session', { headers: { cookie } })
    expect([left.status, cookieOf(left)]).toEqual([204, expect.stringMatching(/^stint_session=; .*Max-Age=0/)])
    expect((await refresh(world, cookie)).body.code).toBe('REFRESH_TOKEN_INVALID')
  })

  test.for<Record<string, string>>([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-site', host: 'stint.example', origin: 'https://stint.example' },
    { host: 'stint.example', origin: 'https://other.example' },
    { host: 'stint.example', origin: 'https://stint.example:8443' },
    { host: 'stint.example', origin: 'null' },
  ])('takes nothing from a page elsewhere: %j', async (page, { world }) => {
    const cookie = sent(cookieOf(await register(world)))
    const headers = { ...page, cookie }
    const { name: _, ...credentials } = person
    for (const [method, path, body] of [
      ['POST', '/dashboard/session/refresh', undefined],
      ['DELETE', '/dashboard/session', undefined],
      ['POST', '/dashboard/session', credentials],
      ['POST', '/dashboard/session/registration', { ...person, email: 'bob@example.com' }],
    ] as const) {
      const answer = await world.http(method, path, { headers, ...(body && { body }) })
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'FORBIDDEN'])
      expect(cookieOf(answer)).toBe('')
    }
    expect((await refresh(world, cookie, { 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })

  test('goes on for its own page in a browser that says only where the page is from', async ({ world }) => {
    const host = '192.168.0.2:3000'
    const registered = await world.http('POST', '/dashboard/session/registration', { body: person, headers: { host } })
    const next = await refresh(world, sent(cookieOf(registered)), { host, origin: `http://${host}` })
    expect(next.status).toBe(200)
  })
})

describe('behind a proxy that names another host', () => {
  const proxied = test.override({ environment: { PUBLIC_URL: 'http://stint.example/' } })

  proxied('people sign in at the public address, and from nowhere else', async ({ world }) => {
    const signIn = (origin: string) =>
      world.http('POST', '/dashboard/session/registration', {
        body: person,
        headers: { host: '10.0.0.7:3000', origin },
      })
    for (const origin of ['http://other.example', 'https://stint.example', 'http://stint.example:81', 'null'])
      expect(await signIn(origin)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect((await signIn('http://other.example')).body.detail).toBe(
      'Only the dashboard itself may use its sessions. This page is of http://other.example; if a proxy is in between, ' +
        'set PUBLIC_URL to that.',
    )
    expect((await signIn('http://stint.example')).status).toBe(201)
  })
})

test('stacks on two ports of one machine, whose cookies a browser sends to both, have a session each', async ({
  world,
}) => {
  const hosts = ['localhost:3000', 'localhost:3001', 'localhost', '[::1]']
  const cookies: string[] = []
  for (const [index, host] of hosts.entries()) {
    const body = { ...person, email: `ada-${index}@example.com` }
    const registered = await world.http('POST', '/dashboard/session/registration', { body, headers: { host } })
    cookies.push(sent(cookieOf(registered)))
  }
  const names = cookies.map((it) => it.split('=')[0])
  expect(names).toEqual(['stint_session_3000', 'stint_session_3001', 'stint_session', 'stint_session'])
  const all = cookies.slice(0, 3).join('; ')
  const answers = await Promise.all(hosts.slice(0, 3).map((host) => refresh(world, all, { host })))
  const emails = answers.map(({ body }) => body.user?.email)
  expect(emails).toEqual(['ada-0@example.com', 'ada-1@example.com', 'ada-2@example.com'])
})

test('no other route takes the cookie for a token', async ({ world }) => {
  const cookie = sent(cookieOf(await register(world)))
  expect((await world.http('GET', '/jobs', { headers: { cookie } })).body.code).toBe('UNAUTHENTICATED')
})
