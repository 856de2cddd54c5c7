import { expect } from 'vitest'
import { test } from '../../tests/support/world.ts'

test('HEAD is answered as GET is, refusals too; the gateway leaves the body out', async ({ world }) => {
  const { accessToken: token } = await world.register()
  for (const [path, given, status] of [
    ['/health', {}, 200],
    ['/projects', { token }, 200],
    ['/projects', {}, 401],
    ['/projects?limit=0', { token }, 422],
    ['/device-models/01a20610-c462-7693-9270-2c83469d56d3', { token }, 404],
  ] as const) {
    const [get, head] = [await world.http('GET', path, given), await world.http('HEAD', path, given)]
    expect([path, head.status, get.status]).toEqual([path, status, status])
    expect(Object.keys(head.headers)).toEqual(Object.keys(get.headers))
  }
})

test('HEAD is for nothing that GET is not for', async ({ world }) => {
  expect((await world.http('HEAD', '/auth/login')).status).toBe(404)
})
