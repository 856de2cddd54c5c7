import { describe, expect } from 'vitest'
import { SCOPES } from '../../lib/auth/scopes.ts'
import { type Person, test, type World } from '../support/world.ts'
import { belongingsOf, type Call, callRoute, type DeclaredRoute, declared, stateOf } from './declared-routes.ts'
import { type Standing, WHO_MAY } from './who-may.ts'

/** What refuses a caller for who they are. Whom an owner invites may not be there. */
const REFUSED = /^(UNAUTHENTICATED|SCOPE_MISSING|FORBIDDEN|(?!USER_)\w*NOT_FOUND)$/

/** What somebody is in the project that is asked for. */
type Caller = 'stranger' | 'admin elsewhere' | 'viewer' | 'maintainer' | 'owner'
const CALLERS: readonly Caller[] = ['stranger', 'admin elsewhere', 'viewer', 'maintainer', 'owner']
const ROLES: readonly string[] = ['viewer', 'maintainer', 'owner']

/** What a caller is answered: that they may, that they may not, or that nothing is there. */
type Expected = 'in' | 403 | 404

const expected = (standing: Standing, caller: Caller): Expected => {
  if (standing === 'anyone' || standing === 'user') return 'in'
  const byAdmin = standing === 'admin' || standing === 'maintainer or admin'
  if (caller === 'admin elsewhere') return byAdmin ? 'in' : 404
  if (standing === 'admin') return 403
  if (caller === 'stranger') return 404
  const needed = standing === 'maintainer or admin' ? 'maintainer' : standing
  return ROLES.indexOf(caller) >= ROLES.indexOf(needed) ? 'in' : 403
}

/** A call that names what belongs to somebody in each place where the route takes an id; in the body, the first. */
const namingAll = ({ spots }: DeclaredRoute, belongings: Record<string, string>): Call => {
  const [spot] = spots
  return { params: belongings, ...spot?.aim(belongings[spot.of] ?? expect.unreachable(spot.path)) }
}

/** Grace's project, and everybody who may come to it. */
const setUp = async (world: World) => {
  const names = { stranger: 'Mallory', 'admin elsewhere': 'Ada', viewer: 'Vera', maintainer: 'Max', owner: 'Grace' }
  const people = Object.fromEntries(
    await Promise.all(Object.entries(names).map(async ([is, name]) => [is, await world.register(name)])),
  ) as Record<Caller, Person>
  await world.sql`UPDATE users SET is_admin = true WHERE id = ${people['admin elsewhere'].userId}`
  for (const role of ['viewer', 'maintainer'] as const) await putMember(world, people.owner, people[role], role)
  return people
}

const putMember = async (world: World, owner: Person, { userId }: Person, role: string) => {
  const url = `/projects/${owner.projectId}/members/${userId}`
  const { status } = await world.http('PUT', url, { token: owner.accessToken, body: { role } })
  expect(status).toBe(200)
}

test('every route says who may call it', () => {
  expect(Object.keys(WHO_MAY).toSorted()).toEqual(declared.map(({ name }) => name).toSorted())
  for (const { name, forUsers } of declared) expect(WHO_MAY[name] !== 'anyone', name).toBe(forUsers)
})

const guarded = declared.filter(({ forUsers }) => forUsers)
const resources = [...Map.groupBy(guarded, ({ path }) => path.split('/')[1] ?? '')].map(([name, routes]) => ({
  name,
  routes,
}))
const standingOf = ({ name }: DeclaredRoute): Standing => WHO_MAY[name] ?? expect.unreachable(name)

describe('a role reaches as far as it should, and no further, on every route', () => {
  test.for(resources)('of /$name', async ({ routes }, { world }) => {
    const people = await setUp(world)
    const asked = routes.flatMap((route) =>
      CALLERS.map((caller) => ({ route, caller, answer: expected(standingOf(route), caller) })),
    )
    const belongings = await belongingsOf(world, people.owner)
    const seen = async (route: DeclaredRoute, caller: Caller, own: Record<string, string>) => {
      const token = people[caller].accessToken
      const { status, body } = await callRoute(world, route, { token, ...namingAll(route, own) })
      return { status, code: `${body?.code}`, what: `${route.name} by ${caller}` }
    }

    const before = await stateOf(world.sql)
    for (const { route, caller, answer } of asked.filter((it) => it.answer !== 'in')) {
      const { status, code, what } = await seen(route, caller, belongings)
      expect.soft(`${what}: ${status} ${code}`).toMatch(answer === 403 ? /: 403 FORBIDDEN$/ : /: 404 \w+_NOT_FOUND$/)
    }
    expect(await stateOf(world.sql)).toEqual(before)

    for (const [index, { route, caller }] of asked.filter((it) => it.answer === 'in').entries()) {
      // What was deleted by one caller is there again for the next.
      const own = route.method === 'DELETE' ? await belongingsOf(world, people.owner, `D${index}`) : belongings
      const { code, what } = await seen(route, caller, own)
      expect.soft(REFUSED.test(code), `${what}: ${code}`).toBe(false)
    }
  })
})

describe('an API key', () => {
  const allScopes = async (world: World, { accessToken: token }: Person, projectId: string, more = {}) => {
    const body = { name: 'Robot', scopes: SCOPES, ...more }
    return (await world.http('POST', `/projects/${projectId}/api-keys`, { token, body })).body
  }
  const forKeys = guarded.filter(({ scope }) => scope)
  const ofProjects = forKeys.filter((route) => standingOf(route) !== 'user')

  test('is no more than its maker has become, and none when that has left, on every route', async ({ world }) => {
    const { owner, maintainer, stranger } = await setUp(world)
    await putMember(world, owner, stranger, 'maintainer')
    const { secret: viewers } = await allScopes(world, maintainer, owner.projectId)
    const { secret: leavers } = await allScopes(world, stranger, owner.projectId)
    await putMember(world, owner, maintainer, 'viewer')
    const url = `/projects/${owner.projectId}/members/${stranger.userId}`
    expect((await world.http('DELETE', url, { token: owner.accessToken })).status).toBe(204)
    const own = await belongingsOf(world, owner)
    const before = await stateOf(world.sql)
    for (const route of ofProjects) {
      const left = await callRoute(world, route, { token: leavers, ...namingAll(route, own) })
      expect.soft(`${route.name}: ${left.status} ${left.body?.code}`).toBe(`${route.name}: 401 UNAUTHENTICATED`)
      const { status, body } = await callRoute(world, route, { token: viewers, ...namingAll(route, own) })
      if (standingOf(route) === 'viewer') expect.soft(REFUSED.test(`${body?.code}`), route.name).toBe(false)
      else expect.soft(`${route.name}: ${status} ${body?.code}`).toBe(`${route.name}: 403 FORBIDDEN`)
    }
    expect(await stateOf(world.sql)).toEqual(before)
  })

  test('of another project is answered as one of nobody’s, on every route', async ({ world }) => {
    const { owner } = await setUp(world)
    const lab = await world.http('POST', '/projects', { token: owner.accessToken, body: { name: 'Lab' } })
    const { secret: token } = await allScopes(world, owner, lab.body.project.id)
    const own = await belongingsOf(world, owner)
    const before = await stateOf(world.sql)
    for (const route of ofProjects) {
      const { status, body } = await callRoute(world, route, { token, ...namingAll(route, own) })
      expect.soft(`${route.name}: ${status} ${body?.code}`).toMatch(/: 404 \w+_NOT_FOUND$/)
    }
    expect(await stateOf(world.sql)).toEqual(before)
  })

  test('that was revoked, has expired or never was is no key, on every route', async ({ world }) => {
    const { owner } = await setUp(world)
    const own = await belongingsOf(world, owner)
    const [revoked, expired] = [
      await allScopes(world, owner, owner.projectId),
      await allScopes(world, owner, owner.projectId),
    ]
    const url = `/projects/${owner.projectId}/api-keys/${revoked.apiKey.id}`
    expect((await world.http('DELETE', url, { token: owner.accessToken })).status).toBe(204)
    await world.sql`UPDATE api_keys SET expires_at = now() WHERE id = ${expired.apiKey.id}`
    const before = await stateOf(world.sql)
    for (const route of guarded) {
      const tokens = [revoked.secret, expired.secret, `stk_${'A'.repeat(43)}`, 'stk_']
      const answers = await Promise.all(
        tokens.map((token) => callRoute(world, route, { token, ...namingAll(route, own) })),
      )
      for (const { status, body, headers } of answers) {
        expect.soft(`${route.name}: ${status} ${body?.code}`).toBe(`${route.name}: 401 UNAUTHENTICATED`)
        expect.soft(body.detail).toBe(answers[0]?.body.detail)
        expect.soft(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
      }
    }
    expect(await stateOf(world.sql)).toEqual(before)
  })
})
