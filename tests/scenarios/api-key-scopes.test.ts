import { describe, expect } from 'vitest'
import { includesScope, SCOPES, type Scope } from '../../lib/auth/scopes.ts'
import { type Person, test, type World } from '../support/world.ts'
import { belongingsOf, callRoute, declared, stateOf } from './declared-routes.ts'

const keyWith = async (world: World, { accessToken: token, projectId }: Person, scopes: string[]): Promise<string> => {
  const body = { name: 'Robot', scopes }
  return (await world.http('POST', `/projects/${projectId}/api-keys`, { token, body })).body.secret
}

describe('an API key may do what its scopes say, on every route', () => {
  const forUsers = declared.filter((route) => route.forUsers)

  test.for(forUsers)('$name: $scope', async (route, { world }) => {
    const ada = await world.register()
    const own = await belongingsOf(world, ada)
    const keys = await Promise.all(SCOPES.map(async (scope) => [scope, await keyWith(world, ada, [scope])] as const))
    const before = await stateOf(world.sql)
    for (const [scope, token] of keys) {
      if (route.scope && includesScope([scope], route.scope as Scope)) continue
      const answer = await callRoute(world, route, { token, params: own })
      expect.soft(`${scope}: ${answer.status} ${answer.body?.code}`).toBe(`${scope}: 403 SCOPE_MISSING`)
    }
    expect(await stateOf(world.sql)).toEqual(before)
    const all = await callRoute(world, route, { token: await keyWith(world, ada, [...SCOPES]), params: own })
    if (route.scope)
      expect(`${all.body?.code}`).not.toMatch(/^(UNAUTHENTICATED|SCOPE_MISSING|FORBIDDEN|PROJECT_NOT_FOUND)$/)
    else expect(all).toMatchObject({ status: 403, body: { code: 'SCOPE_MISSING' } })
  })
})

test('no route with a scope reads with a write scope, nor writes with a read scope', () => {
  for (const { method, scope, name } of declared) {
    // Of /rpc the methods that write ask for more.
    if (scope && name !== 'POST /rpc') expect(scope.endsWith(':read'), name).toBe(method === 'GET')
  }
})
