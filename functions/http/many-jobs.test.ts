import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'

const signIn = async (world: World) => {
  const { projectId, userId, call } = await world.register()
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
    expect([status, body]).toEqual([200, { cancelled: 3, more: false }])
    expect(await states([...waiting, ...children, ...ended])).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'cancelled',
      'succeeded',
    ])
    expect((await call('POST', '/jobs/cancel', { ids: waiting })).body).toEqual({ cancelled: 0, more: false })
  })

  test('are cancelled by what they have in common, those of one project', async ({ world }) => {
    const { call, submit, states, projectId } = await signIn(world)
    const other = await signIn(world)
    const [theirs = ''] = await other.submit(1, { tags: ['x'] })
    const due = await submit(2, { tags: ['x'] })
    const delayed = await submit(1, { tags: ['x', 'y'], delaySeconds: 60 })
    const children = await submit(1, { tags: ['x'], after: due.slice(0, 1), onParentFailure: 'run' })
    const submitted = await submit(2)
    await world.sql`UPDATE jobs SET submitted_by = ${due[0] ?? ''} WHERE id = ANY (${submitted}::uuid[])`
    const [limited = ''] = await submit(1, { kind: 'page.parse', input: { url: 'https://example.com/' } })
    const cancel = async (body: object) => (await call('POST', '/jobs/cancel', body)).body
    expect(await cancel({ state: 'queued', submittedBy: due[1] })).toEqual({ cancelled: 0, more: false })
    expect(await cancel({ state: 'queued', submittedBy: due[0] })).toEqual({ cancelled: 2, more: false })
    expect(await states(submitted)).toEqual(['cancelled', 'cancelled'])
    expect(await cancel({ state: 'queued', tag: 'y' })).toEqual({ cancelled: 1, more: false })
    expect(await cancel({ state: 'queued', kind: 'page.parse', projectId })).toEqual({ cancelled: 1, more: false })
    expect(await cancel({ state: 'queued', queue: 'compute' })).toEqual({ cancelled: 0, more: false })
    expect(await states([...due, ...delayed, limited, ...children])).toEqual([
      ...['queued', 'queued', 'cancelled', 'cancelled', 'blocked'],
    ])
    expect(await cancel({ state: 'blocked', kind: 'debug.noop' })).toEqual({ cancelled: 1, more: false })
    await world.sql`
      UPDATE jobs SET state = 'running', stint = 1, lease_until = now() + interval '1 minute' WHERE id = ${due[0] ?? ''}`
    expect(await cancel({ state: 'running', tag: 'x' })).toEqual({ cancelled: 1, more: false })
    expect(await cancel({ state: 'running', tag: 'x' })).toEqual({ cancelled: 0, more: false })
    expect([await states([...due, ...children]), await other.states([theirs])]).toEqual([
      ['running', 'queued', 'cancelled'],
      ['queued'],
    ])
    const audit = await call('GET', `/projects/${projectId}/audit`)
    const [last] = audit.body.items
    expect(last).toMatchObject({ action: 'job.cancel', target: due[0], data: { ids: [due[0]] } })
  })

  test('are cancelled a thousand at a time until there are no more', async ({ world }) => {
    const { call, submit } = await signIn(world)
    await submit(1_500)
    const cancel = async () => (await call('POST', '/jobs/cancel', { state: 'queued', kind: 'debug.noop' })).body
    expect(await cancel()).toEqual({ cancelled: 1_000, more: true })
    expect(await cancel()).toEqual({ cancelled: 500, more: false })
    expect(await cancel()).toEqual({ cancelled: 0, more: false })
  })

  test('are cancelled with all that they submitted, through those that have ended, and nothing else', async ({
    world,
  }) => {
    const { call, submit, states, projectId } = await signIn(world)
    const [root = '', beside = ''] = await submit(2)
    const make = (count: number, submittedBy: string, waitsFor = 0) =>
      insertJobs(
        world.app,
        Array.from({ length: count }, () => ({ projectId, submittedBy, waitsFor })),
      )
    const [ended = '', running = ''] = await make(2, root)
    const [below = '', blocked = ''] = [...(await make(1, ended)), ...(await make(1, running, 1))]
    const leaves = await make(1_000, below)
    const [others = ''] = await make(1, beside)
    await world.sql`UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE id IN ${world.sql([root, ended])}`
    await world.sql`
      UPDATE jobs SET state = 'running', stint = 1, lease_until = now() + interval '1 minute' WHERE id = ${running}`
    const cancel = async (tree: string) => (await call('POST', '/jobs/cancel', { tree })).body
    expect(await cancel(root)).toEqual({ cancelled: 1_000, more: true })
    expect(await states([root, ended, running, below, blocked])).toEqual([
      ...['succeeded', 'succeeded', 'running', 'cancelled', 'cancelled'],
    ])
    expect(await cancel(root)).toEqual({ cancelled: 3, more: false })
    expect(await cancel(root)).toEqual({ cancelled: 0, more: false })
    expect(new Set(await states(leaves))).toEqual(new Set(['cancelled']))
    expect(await states([beside, others])).toEqual(['queued', 'queued'])
    expect(await world.sql`SELECT FROM jobs WHERE id = ${running} AND cancel_requested_at IS NOT NULL`).toHaveLength(1)
    const stranger = await signIn(world)
    expect((await stranger.call('POST', '/jobs/cancel', { tree: beside })).body.code).toBe('JOB_NOT_FOUND')
    await call('PUT', `/projects/${projectId}/members/${stranger.userId}`, { role: 'viewer' })
    expect((await stranger.call('POST', '/jobs/cancel', { tree: beside })).body.code).toBe('FORBIDDEN')
    expect(await states([beside, others])).toEqual(['queued', 'queued'])
  })

  test('are named, or described, and not both', async ({ world }) => {
    const { call, submit, projectId, states } = await signIn(world)
    const stranger = await signIn(world)
    const ids = await submit(1)
    const refused = async (body: object) => {
      const answer = await call('POST', '/jobs/cancel', body)
      return [answer.status, answer.body.code, answer.body.errors?.map((it: { path: string }) => it.path)]
    }
    expect(await refused({})).toEqual([422, 'VALIDATION_FAILED', ['ids']])
    expect(await refused({ kind: 'debug.noop' })).toEqual([422, 'VALIDATION_FAILED', ['ids']])
    expect(await refused({ ids, state: 'queued' })).toEqual([422, 'VALIDATION_FAILED', ['state']])
    expect(await refused({ ids, kind: 'a', projectId })).toEqual([422, 'VALIDATION_FAILED', ['kind', 'projectId']])
    expect(await refused({ ids, submittedBy: ids[0] })).toEqual([422, 'VALIDATION_FAILED', ['submittedBy']])
    expect(await refused({ ids, tree: ids[0] })).toEqual([422, 'VALIDATION_FAILED', ['tree']])
    expect(await refused({ state: 'queued', tree: ids[0] })).toEqual([422, 'VALIDATION_FAILED', ['tree']])
    expect(await refused({ tree: ids[0], kind: 'a' })).toEqual([422, 'VALIDATION_FAILED', ['kind']])
    expect(await refused({ state: 'succeeded' })).toEqual([422, 'VALIDATION_FAILED', ['state']])
    const theirs = await stranger.call('POST', '/jobs/cancel', { state: 'queued', projectId })
    expect(theirs).toMatchObject({ status: 404, body: { code: 'PROJECT_NOT_FOUND' } })
    expect(await states(ids)).toEqual(['queued'])
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
