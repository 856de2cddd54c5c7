import { describe, expect } from 'vitest'
import type { Sql } from '../../db/client.ts'
import * as queueDepths from '../../db/queries/queue-depths.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'

const registerAdmin = async (world: World): Promise<Person> => {
  const admin = await world.register('Admin')
  await world.sql`UPDATE users SET is_admin = true WHERE id = ${admin.userId}`
  return admin
}

const queueOf = async (world: World, { accessToken: token }: Person, name: string) => {
  const { body } = await world.http('GET', '/queues', { token })
  return body.items.find((it: { name: string }) => it.name === name)
}

const post = ({ http }: World, { accessToken: token }: Person, path: string, body?: object) =>
  http('POST', `/queues/${path}`, { token, ...(body && { body }) })

const submit = async ({ http }: World, { accessToken: token }: Person, over: object = {}) =>
  (await http('POST', '/jobs', { token, body: { kind: 'debug.noop', input: {}, ...over } })).body.job.id

const stateOf = async ({ http }: World, { accessToken: token }: Person, id: string) =>
  (await http('GET', `/jobs/${id}`, { token })).body.job.state

describe('the queues', () => {
  test('are empty at first, in the order of their declaration', async ({ world }) => {
    const ada = await world.register()
    const empty = {
      paused: false,
      queued: 0,
      delayed: 0,
      running: 0,
      oldestDueSeconds: null,
      countedSecondsAgo: expect.any(Number),
      sqsVisible: 0,
    }
    expect((await world.http('GET', '/queues', { token: ada.accessToken })).body.items).toEqual([
      { name: 'default', ...empty },
      { name: 'compute', ...empty },
      { name: 'bulk', ...empty },
    ])
  })

  test('tell what waits, is delayed and runs, and not what has ended', async ({ world }) => {
    const ada = await world.register()
    const ids = await insertJobs(world.app, [{}, {}, {}, {}, { delaySeconds: 100 }, { concurrencyKey: '' }])
    await world.sql`UPDATE jobs SET state = 'running', lease_until = now() WHERE id = ${ids[0] ?? ''}`
    await world.sql`UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE id = ${ids[1] ?? ''}`
    await world.sql`UPDATE jobs SET start_at = now() - interval '90 seconds' WHERE id = ${ids[2] ?? ''}`
    await world.app.queue.ring([{ queue: 'default', n: 4 }])
    const queue = await queueOf(world, ada, 'default')
    expect(queue).toMatchObject({ queued: 3, delayed: 1, running: 1, sqsVisible: 1 })
    expect(queue.oldestDueSeconds).toBeGreaterThanOrEqual(90)
  })

  test('are counted by index, and no ended job is looked at', async ({ world }) => {
    await world.sql`
      INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input, finished_at)
      SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'succeeded', 'test.echo', 'default', '{}', now()
      FROM generate_series(1, 5000)`
    await world.sql`ANALYZE jobs`
    const explained = ([first = '', ...rest]: TemplateStringsArray, ...values: (string | number)[]) =>
      world.sql(Object.assign([`EXPLAIN (FORMAT json) ${first}`, ...rest], { raw: [first, ...rest] }), ...values)
    const sql = explained as unknown as Sql
    const plan = JSON.stringify(await queueDepths.list(sql))
    expect(plan).toContain('jobs_startable_idx')
    const load = JSON.stringify(await queueDepths.listLoads(sql, 'default', 10))
    expect(load).toContain('jobs_startable_idx')
    for (const it of [plan, load]) expect(it).not.toMatch(/"Seq Scan"[^}]*"Relation Name":\s*"jobs"/)
  })

  test('can be looked at while SQS is away', async ({ world }) => {
    const ada = await world.register()
    world.app.queue = { ...world.app.queue, visible: () => Promise.reject(new Error('no SQS')) }
    expect(await queueOf(world, ada, 'bulk')).toMatchObject({ queued: 0, sqsVisible: null })
  })
})

test('a paused queue starts nothing; resumed, it rings for what waited', async ({ world }) => {
  const admin = await registerAdmin(world)
  expect((await post(world, admin, 'default/pause')).body.queue).toMatchObject({ name: 'default', paused: true })
  const id = await submit(world, admin)
  await world.work('default')
  expect(await stateOf(world, admin, id)).toBe('queued')
  expect(await queueOf(world, admin, 'default')).toMatchObject({ paused: true, queued: 1, sqsVisible: 0 })
  // Twice is once.
  expect((await post(world, admin, 'default/pause')).status).toBe(200)

  const resumed = await post(world, admin, 'default/resume')
  expect(resumed.body.queue).toMatchObject({ paused: false, queued: 1, sqsVisible: 1 })
  await world.work('default')
  expect(await stateOf(world, admin, id)).toBe('succeeded')
})

test('a redrive begins failed jobs anew', async ({ world }) => {
  const admin = await registerAdmin(world)
  const id = await submit(world, admin)
  await world.sql`UPDATE jobs SET state = 'failed', error = '{"code":"BROKEN","message":""}', finished_at = now()`
  expect((await post(world, admin, 'default/redrive', { code: 'OTHER' })).body).toEqual({ redriven: 0, skipped: 0 })
  expect((await post(world, admin, 'default/redrive', { code: 'BROKEN', perSecond: 5 })).body).toEqual({
    redriven: 1,
    skipped: 0,
  })
  await world.work('default')
  expect(await stateOf(world, admin, id)).toBe('succeeded')
})

describe('who may what', () => {
  test('only an admin pauses and resumes, and redrives the jobs of everybody', async ({ world }) => {
    const ada = await world.register()
    const refused = [
      await post(world, ada, 'default/pause'),
      await post(world, ada, 'default/resume'),
      await post(world, ada, 'default/redrive', {}),
    ]
    expect(refused.map((it) => [it.status, it.body.code])).toEqual(Array.from({ length: 3 }, () => [403, 'FORBIDDEN']))
    expect(refused[0]?.body.detail).toContain('stint admin add')
    expect(await queueOf(world, ada, 'default')).toMatchObject({ paused: false })
  })

  test('a maintainer redrives the jobs of their project, and of no other', async ({ world }) => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')]
    const [hers, foreign] = [await submit(world, ada), await submit(world, grace)]
    await world.sql`UPDATE jobs SET state = 'failed', error = '{"code":"BROKEN","message":""}', finished_at = now()`
    const { projectId } = ada
    expect((await post(world, ada, 'default/redrive', { projectId })).body).toEqual({ redriven: 1, skipped: 0 })
    expect(await stateOf(world, ada, hers)).toBe('queued')
    expect(await stateOf(world, grace, foreign)).toBe('failed')
    expect((await post(world, ada, 'default/redrive', { projectId: grace.projectId })).body.code).toBe(
      'PROJECT_NOT_FOUND',
    )
  })

  test('a viewer redrives nothing', async ({ world }) => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')]
    const path = `/projects/${ada.projectId}/members/${grace.userId}`
    await world.http('PUT', path, { token: ada.accessToken, body: { role: 'viewer' } })
    const answer = await post(world, grace, 'default/redrive', { projectId: ada.projectId })
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
  })

  test('an admin redrives the jobs of a project that is not theirs', async ({ world }) => {
    const [admin, ada] = [await registerAdmin(world), await world.register('Ada')]
    await submit(world, ada)
    await world.sql`UPDATE jobs SET state = 'failed', error = '{"code":"BROKEN","message":""}', finished_at = now()`
    const answer = await post(world, admin, 'default/redrive', { projectId: ada.projectId })
    expect(answer.body).toEqual({ redriven: 1, skipped: 0 })
  })
})

describe('the load of a queue', () => {
  const loadOf = async (world: World, { accessToken: token }: Person, queue = 'default') =>
    world.http('GET', `/queues/${queue}/load`, { token })

  test('tells an admin, and nobody else, whose jobs wait and run there', async ({ world }) => {
    const [admin, ada, grace] = [await registerAdmin(world), await world.register('Ada'), await world.register('Grace')]
    for (const over of [{}, {}, { delaySeconds: 600 }, { kind: 'math.pi', input: { digits: 5 } }])
      await submit(world, grace, over)
    const running = await submit(world, ada)
    await world.sql`UPDATE jobs SET concurrency_key = '' WHERE id = (SELECT min(id::text)::uuid FROM jobs)`
    await world.sql`UPDATE jobs SET state = 'running', lease_until = now() WHERE id = ${running}`
    const kind = 'debug.noop'
    expect((await loadOf(world, admin)).body.items).toEqual([
      {
        ...{
          projectId: grace.projectId,
          projectName: 'Personal',
          ownerEmail: grace.email,
          kind,
          queued: 2,
          delayed: 1,
          running: 0,
        },
        oldestDueSeconds: expect.any(Number),
      },
      {
        ...{
          projectId: ada.projectId,
          projectName: 'Personal',
          ownerEmail: ada.email,
          kind,
          queued: 0,
          delayed: 0,
          running: 1,
        },
        oldestDueSeconds: null,
      },
    ])
    expect((await loadOf(world, admin, 'compute')).body.items).toMatchObject([{ kind: 'math.pi', queued: 1 }])
    expect((await loadOf(world, admin, 'bulk')).body.items).toEqual([])
    expect(await loadOf(world, grace)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
  })

  test('is cancelled for one project by an admin or its maintainer, and what runs goes on', async ({ world }) => {
    const [admin, ada, grace] = [await registerAdmin(world), await world.register('Ada'), await world.register('Grace')]
    const [first, tagged, delayed, runs] = [
      await submit(world, grace),
      await submit(world, grace, { tags: ['flood'] }),
      await submit(world, grace, { delaySeconds: 600 }),
      await submit(world, grace),
    ]
    await world.sql`UPDATE jobs SET state = 'running', lease_until = now() WHERE id = ${runs}`
    const others = await submit(world, ada)
    const { projectId } = grace
    const drain = (who: Person, body: object) => post(world, who, 'default/drain', body)
    expect(await drain(ada, { projectId })).toMatchObject({ body: { code: 'PROJECT_NOT_FOUND' } })
    expect((await drain(admin, {})).body).toEqual({ cancelled: 0, more: false })
    expect((await drain(grace, { projectId, tag: 'flood' })).body).toEqual({ cancelled: 1, more: false })
    expect(await stateOf(world, grace, tagged)).toBe('cancelled')
    expect((await drain(admin, { projectId, kind: 'math.pi' })).body).toEqual({ cancelled: 0, more: false })
    expect((await drain(admin, { projectId })).body).toEqual({ cancelled: 2, more: false })
    const states = [first, delayed, runs].map((id) => stateOf(world, grace, id))
    expect(await Promise.all(states)).toEqual(['cancelled', 'cancelled', 'running'])
    expect(await stateOf(world, ada, others)).toBe('queued')
    const audit = await world.http('GET', `/projects/${projectId}/audit`, { token: grace.accessToken })
    expect(audit.body.items[0]).toMatchObject({ action: 'job.cancel', userId: admin.userId, target: '2 jobs' })
  })
})

test('an unknown queue is not there, and an unreasonable redrive is refused by name', async ({ world }) => {
  const admin = await registerAdmin(world)
  expect(await post(world, admin, 'nowhere/pause')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  for (const [field, value] of Object.entries({ limit: 10_001, perSecond: 0, failedAfter: 'yesterday', surprise: 1 })) {
    const answer = await post(world, admin, 'default/redrive', { [field]: value })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: field }] } })
  }
})
