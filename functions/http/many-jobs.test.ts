import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { test, type World } from '../../tests/support/world.ts'

const signIn = async (world: World) => {
  const { accessToken: token, projectId, userId } = await world.register()
  const call = (method: string, path: string, body?: object) =>
    world.http(method, path, { token, ...(body && { body }) })
  const submit = async (count: number, over: object = {}): Promise<string[]> => {
    const jobs = Array.from({ length: count }, () => ({ kind: 'debug.noop', input: {}, ...over }))
    return (await call('POST', '/jobs/batch', { jobs })).body.ids
  }
  const states = async (ids: string[]): Promise<string[]> =>
    Promise.all(ids.map(async (id) => (await call('GET', `/jobs/${id}`)).body.job.state))
  return { projectId, userId, call, submit, states }
}

describe('many jobs at once', () => {
  test('are cancelled, with those that run after them, and ended ones are left alone', async ({ world }) => {
    const { call, submit, states } = await signIn(world)
    const ended = await submit(1)
    await world.work('default')
    const waiting = await submit(3)
    const children = await submit(1, { after: waiting.slice(0, 1), onParentFailure: 'skip' })
    const { status, body } = await call('POST', '/jobs/cancel', { ids: [...waiting, ...ended] })
    expect([status, body]).toEqual([200, { cancelled: 3 }])
    expect(await states([...waiting, ...children, ...ended])).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'cancelled',
      'succeeded',
    ])
    expect((await call('POST', '/jobs/cancel', { ids: waiting })).body).toEqual({ cancelled: 0 })
  })

  test('begin anew and run, and those that live or succeeded are left alone', async ({ world }) => {
    const { call, submit, states } = await signIn(world)
    const [succeeded = ''] = await submit(1)
    await world.work('default')
    const ids = await submit(3)
    await call('POST', '/jobs/cancel', { ids: ids.slice(0, 2) })
    const { status, body } = await call('POST', '/jobs/retry', { ids: [...ids, succeeded] })
    expect([status, body]).toEqual([200, { retried: 2 }])
    await world.work('default')
    expect(await states(ids)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  test('whose unique key another job has by now stay as they are', async ({ world }) => {
    const { call, submit, states } = await signIn(world)
    const [first = ''] = await submit(1, { uniqueKey: 'one' })
    await call('POST', `/jobs/${first}/cancel`)
    await submit(1, { uniqueKey: 'one' })
    expect((await call('POST', '/jobs/retry', { ids: [first] })).body).toEqual({ retried: 0 })
    expect(await states([first])).toEqual(['cancelled'])
  })

  test.for(['cancel', 'retry'])(
    '%s: none is touched when one is a stranger’s or not there',
    async (verb, { world }) => {
      const { call, submit, states } = await signIn(world)
      const stranger = await signIn(world)
      const [mine = ''] = await submit(1)
      const [theirs = ''] = await stranger.submit(1)
      for (const other of [theirs, newId()]) {
        const { status, body } = await call('POST', `/jobs/${verb}`, { ids: [mine, other] })
        expect([status, body.code, body.errors]).toEqual([
          404,
          'JOB_NOT_FOUND',
          [{ path: 'ids[1]', message: 'no such job' }],
        ])
      }
      expect([await states([mine]), await stranger.states([theirs])]).toEqual([['queued'], ['queued']])
    },
  )

  test('take a maintainer', async ({ world }) => {
    const owner = await signIn(world)
    const viewer = await signIn(world)
    await owner.call('PUT', `/projects/${owner.projectId}/members/${viewer.userId}`, { role: 'viewer' })
    const ids = await owner.submit(2)
    expect((await viewer.call('POST', '/jobs/cancel', { ids })).body.code).toBe('FORBIDDEN')
  })
})
