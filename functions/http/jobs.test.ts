import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { sweep } from '../../lib/jobs/sweep.ts'
import { createEngine, invoke } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'

const signIn = async (world: World) => {
  const { accessToken: token, projectId, call } = await world.register()
  const submit = async (over: object = {}): Promise<string> =>
    (await call('POST', '/jobs', { kind: 'debug.noop', input: {}, ...over })).body.job.id
  return { token, projectId, call, submit }
}

test('the kinds tell what they take and give, as JSON Schema, and how they run', async ({ world }) => {
  const { call } = await signIn(world)
  const { body } = await call('GET', '/job-kinds')
  const kindOf = (kind: string) => body.items.find((it: { kind: string }) => it.kind === kind)
  expect(kindOf('math.pi')).toMatchObject({
    queue: 'compute',
    isolation: 'thread',
    limits: null,
    input: { type: 'object', properties: { digits: { maximum: 100_000 } } },
  })
  expect(kindOf('page.parse').limits).toEqual({ running: null, runningPerKey: 1, rate: null })
  expect(kindOf('mail.send')).toMatchObject({
    maxAttempts: 12,
    timeoutSeconds: 3_600,
    concurrency: 20,
    backoff: { baseSeconds: 15, capSeconds: 1_800 },
    isolation: 'shared',
  })
})

test('a list is newest first, page after page without a gap, and can be filtered', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.push(await submit({ tags: i % 2 ? ['odd'] : [] }))
  await submit({ kind: 'math.pi', input: { digits: 10 } })

  const first = await call('GET', '/jobs?kind=debug.noop&limit=2')
  const second = await call('GET', `/jobs?kind=debug.noop&limit=2&cursor=${first.body.nextCursor}`)
  const third = await call('GET', `/jobs?kind=debug.noop&limit=2&cursor=${second.body.nextCursor}`)
  const seen = [first, second, third].flatMap((it) => it.body.items.map((job: { id: string }) => job.id))
  expect(seen).toEqual(ids.toReversed())
  expect(third.body.nextCursor).toBeNull()
  expect(first.body.items[0]).not.toHaveProperty('input')

  expect((await call('GET', '/jobs?tag=odd')).body.items).toHaveLength(2)
  expect((await call('GET', '/jobs?queue=compute&state=queued')).body.items).toHaveLength(1)
  expect((await call('GET', '/jobs?state=failed')).body.items).toHaveLength(0)
})

test('a job shows how it was submitted, at once and when it is read', async ({ world }) => {
  const { userId, accessToken: token, projectId } = await world.register()
  const submission = {
    kind: 'debug.noop',
    name: 'Nightly',
    priority: -3,
    maxAttempts: 7,
    timeoutSeconds: 90,
    tags: ['a', 'b'],
    onParentFailure: 'run',
    uniqueKey: 'nightly',
  }
  const body = { ...submission, input: { steps: 3 }, delaySeconds: 60 }
  const { body: submitted } = await world.http('POST', '/jobs', { token, body })
  const shown = { ...submission, projectId, createdBy: userId, input: { steps: 3, stepMs: 0 } }
  expect(submitted.job).toMatchObject(shown)
  const { body: read } = await world.http('GET', `/jobs/${submitted.job.id}`, { token })
  expect(read.job).toMatchObject(submitted.job)
  expect(Date.parse(read.job.startAt) - Date.parse(read.job.queuedAt)).toBe(60_000)
  const { body: plain } = await world.http('POST', '/jobs', { token, body: { kind: 'debug.noop', input: {} } })
  expect(plain.job).toMatchObject({ uniqueKey: null, onParentFailure: 'fail' })
})

test('a list shows the jobs of all one’s projects and of nobody else’s', async ({ world }) => {
  const me = await signIn(world)
  const stranger = await signIn(world)
  const { body } = await me.call('POST', '/projects', { name: 'Second' })
  const ids = [await me.submit(), await me.submit({ projectId: body.project?.id ?? body.id })]
  await stranger.submit()
  const seen = (await me.call('GET', '/jobs')).body.items.map((job: { id: string }) => job.id)
  expect(seen.sort()).toEqual(ids.sort())
})

test('other people’s jobs are not there, on every route', async ({ world }) => {
  const { submit } = await signIn(world)
  const id = await submit()
  const stranger = await signIn(world)
  for (const path of ['', '/events', '/logs', '/stints']) {
    const answer = await stranger.call('GET', `/jobs/${id}${path}`)
    expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'JOB_NOT_FOUND'])
  }
  expect((await stranger.call('POST', `/jobs/${id}/cancel`)).body.code).toBe('JOB_NOT_FOUND')
})

test('of a batch the job is named that may not be in the project that it names', async ({ world }) => {
  const { call } = await signIn(world)
  const other = await signIn(world)
  const job = { kind: 'debug.noop', input: {} }
  const refused = { status: 404, body: { code: 'PROJECT_NOT_FOUND' } }
  const batch = await call('POST', '/jobs/batch', { jobs: [job, job, { ...job, projectId: other.projectId }] })
  expect(batch).toMatchObject(refused)
  expect(batch.body.errors).toMatchObject([{ path: 'jobs[2].projectId' }])
  const one = await call('POST', '/jobs', { ...job, projectId: other.projectId })
  expect(one).toMatchObject(refused)
  expect(one.body.errors).toMatchObject([{ path: 'projectId' }])
})

test('a filter that is empty is refused, and does not pass for none', async ({ world }) => {
  const { call, submit } = await signIn(world)
  await submit()
  for (const name of ['kind', 'tag', 'text', 'state', 'queue'])
    expect(await call('GET', `/jobs?${name}=`)).toMatchObject({ status: 422, body: { errors: [{ path: name }] } })
})

test('a cursor past the numbers that events and stints can have is refused by name', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const id = await submit()
  for (const [list, number] of [
    ['events', 2 ** 31],
    ['stints', 2 ** 31],
    ['events', -1],
  ] as const) {
    const cursor = Buffer.from(`${number}`).toString('base64url')
    const { status, body } = await call('GET', `/jobs/${id}/${list}?cursor=${cursor}`)
    expect.soft([list, status, body.errors?.[0]?.path]).toEqual([list, 422, 'cursor'])
    const last = Buffer.from(`${2 ** 31 - 1}`).toString('base64url')
    expect((await call('GET', `/jobs/${id}/${list}?cursor=${last}`)).body.items).toEqual([])
  }
})

test('log lines come in pages that a function can answer, however long they are', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const id = await submit()
  await world.sql`
    INSERT INTO job_logs (job_id, stint, level, message, data)
    SELECT ${id}, 1, 'info', repeat(chr(1), 10000), jsonb_build_object('text', repeat('"', 30000))
    FROM generate_series(1, 110)`
  const seen: number[] = []
  for (let cursor = ''; ; ) {
    const { status, body } = await call('GET', `/jobs/${id}/logs?limit=100${cursor && `&cursor=${cursor}`}`)
    expect(status).toBe(200)
    expect(JSON.stringify(JSON.stringify(body)).length).toBeLessThan(6 * 1024 * 1024)
    seen.push(...body.items.map((line: { id: number }) => line.id))
    if (body.nextCursor === null) break
    cursor = body.nextCursor
  }
  expect(new Set(seen).size).toBe(110)
  expect(seen).toHaveLength(110)
})

test('a job that ran tells its events, stints and log lines, page by page', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const id = await submit({ input: { steps: 2 } })
  await world.work('default')
  const events = await call('GET', `/jobs/${id}/events?limit=2`)
  const rest = await call('GET', `/jobs/${id}/events?cursor=${events.body.nextCursor}`)
  const all = [...events.body.items, ...rest.body.items]
  expect(all.map((it: { seq: number }) => it.seq)).toEqual(all.map((_, index) => index + 1))
  expect(all.at(-1)).toMatchObject({ type: 'job.succeeded', data: { stint: 1 } })
  expect((await call('GET', `/jobs/${id}/stints`)).body.items).toMatchObject([{ stint: 1, outcome: 'succeeded' }])
  await world.sql`INSERT INTO job_logs (job_id, stint, level, message) VALUES (${id}, 1, 'info', 'one'), (${id}, 1, 'warn', 'two')`
  const logs = await call('GET', `/jobs/${id}/logs?limit=1`)
  const more = await call('GET', `/jobs/${id}/logs?cursor=${logs.body.nextCursor}`)
  expect([logs, more].flatMap((it) => it.body.items.map((line: { message: string }) => line.message))).toEqual([
    'one',
    'two',
  ])
  const newest = await call('GET', `/jobs/${id}/logs?order=desc&limit=1`)
  const older = await call('GET', `/jobs/${id}/logs?order=desc&cursor=${newest.body.nextCursor}`)
  expect([...newest.body.items, ...older.body.items]).toEqual([...logs.body.items, ...more.body.items].toReversed())
  expect(older.body.nextCursor).toBeNull()
})

test('a job that waits is cancelled at once; an ended one is refused', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const id = await submit()
  const cancelled = await call('POST', `/jobs/${id}/cancel`)
  expect([cancelled.status, cancelled.body.job.state]).toEqual([200, 'cancelled'])
  const again = await call('POST', `/jobs/${id}/cancel`)
  expect([again.status, again.body.code]).toEqual([409, 'JOB_ENDED'])
  await world.work('default')
  expect((await call('GET', `/jobs/${id}`)).body.job.state).toBe('cancelled')
})

test('the timeline of a cancelled run tells when it was asked for, heard of, and where it stopped', async ({
  world,
}) => {
  const { call, submit } = await signIn(world)
  const id = await submit({ input: { steps: 100, stepMs: 200 } })
  const run = world.work('default')
  while ((await call('GET', `/jobs/${id}`)).body.job.state !== 'running')
    await new Promise((resolve) => setImmediate(resolve))
  const asked = await call('POST', `/jobs/${id}/cancel`)
  expect([asked.status, asked.body.job.state]).toEqual([202, 'running'])
  await run
  const { job } = (await call('GET', `/jobs/${id}`)).body
  expect(job.state).toBe('cancelled')
  expect(job.cancelAcknowledgedAt >= job.cancelRequestedAt).toBe(true)
  const { items } = (await call('GET', `/jobs/${id}/events`)).body
  const told = items.filter((it: { type: string }) => it.type.startsWith('job.cancel'))
  expect(told).toMatchObject([
    { type: 'job.cancelling', data: { step: 'requested' } },
    { type: 'job.cancelling', data: { step: 'acknowledged' } },
    { type: 'job.cancelled', data: { stopped: 'at a safe point' } },
  ])
  const { requestedAt, acknowledgedAt } = told[2].data
  expect([requestedAt, acknowledgedAt].map((it) => new Date(it).toISOString())).toEqual([
    job.cancelRequestedAt,
    job.cancelAcknowledgedAt,
  ])
})

test('what is said of a job has the limits that the API tells, and not one more', async ({ world }) => {
  const { call } = await signIn(world)
  const years = 315_360_000
  const month = 2_592_000
  const limits: [name: string, most: unknown, tooMuch: unknown, over?: object][] = [
    ['priority', 10, 11],
    ['priority', -10, -11],
    ['delaySeconds', years, years + 1],
    ['expiresInSeconds', years, years + 1],
    ['expiresInSeconds', 1, 0],
    ['maxAttempts', 100, 101],
    ['maxAttempts', 1, 0],
    ['timeoutSeconds', month, month + 1],
    ['timeoutSeconds', 1, 0],
    ['uniqueForSeconds', month, month + 1, { uniqueKey: 'k' }],
    ['uniqueKey', 'k'.repeat(200), 'k'.repeat(201)],
    ['name', 'n'.repeat(200), 'n'.repeat(201)],
    ['tags', Array(20).fill('t'), Array(21).fill('t')],
  ]
  for (const [name, most, tooMuch, over] of limits) {
    const submit = (value: unknown) => call('POST', '/jobs', { kind: 'debug.noop', input: {}, ...over, [name]: value })
    expect.soft((await submit(most)).status, `${name} ${most}`).toBe(202)
    const { status, body } = await submit(tooMuch)
    expect.soft([status, body.errors?.[0]?.path], `${name} ${tooMuch}`).toEqual([422, name])
  }
})

describe('why a job waits', () => {
  const why = async ({ call }: Awaited<ReturnType<typeof signIn>>, id: string) =>
    (await call('GET', `/jobs/${id}`)).body.job.waitingBecause

  test('delayed, behind others, paused, and nothing once it ended', async ({ world }) => {
    const me = await signIn(world)
    const delayed = await me.submit({ delaySeconds: 600 })
    expect(await why(me, delayed)).toMatchObject({ reason: 'delayed', expectedStartAt: expect.any(String) })
    await me.submit()
    await me.submit({ priority: 3 })
    const last = await me.submit()
    expect(await why(me, last)).toEqual({ reason: 'behind', jobs: 2, expectedStartAt: null })
    await world.sql`INSERT INTO queue_pace (queue, jobs) VALUES ('default', 4)`
    const askedMs = Date.now()
    const { expectedStartAt } = await why(me, last)
    expect(Date.parse(expectedStartAt) - askedMs).toBeGreaterThan(20_000)
    await world.sql`UPDATE queues SET paused_at = now() WHERE name = 'default'`
    expect(await why(me, last)).toMatchObject({ reason: 'paused', queue: 'default' })
    await world.sql`UPDATE queues SET paused_at = NULL`
    await world.work('default')
    expect(await why(me, last)).toBeNull()
  })

  test('after jobs that have not ended', async ({ world }) => {
    const me = await signIn(world)
    const parent = await me.submit()
    const child = await me.submit({ after: [parent] })
    expect(await why(me, child)).toEqual({ reason: 'after', jobs: 1, jobIds: [parent], expectedStartAt: null })
  })

  test('its next try', async ({ world }) => {
    const me = await signIn(world)
    const id = await me.submit({ kind: 'serials.generate', input: { deviceModelCode: '0111', start: 1, count: 1 } })
    await world.sql`UPDATE jobs SET stint = 1, attempt = 2, start_at = now() + interval '1 minute' WHERE id = ${id}`
    expect(await why(me, id)).toMatchObject({ reason: 'retry' })
  })
})

test('a running job tells when its latest safe point was saved, and no longer when it has ended', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const id = await submit()
  const shown = async () => (await call('GET', `/jobs/${id}`)).body.job
  const seen: { progress: number; lastSafePointAt: string | null }[] = []
  const looking = defineJob({
    kind: 'debug.noop',
    summary: 'Looks at itself before and behind a safe point',
    input: z.unknown(),
    output: z.null(),
    async *run() {
      seen.push(await shown())
      yield { progress: 0.4, durable: true }
      seen.push(await shown())
      return null
    },
  })
  await invoke(createEngine(world.app, [looking]), { budget: 1 })
  const { items } = (await call('GET', `/jobs/${id}/events`)).body
  const saved = items.find((it: { type: string }) => it.type === 'job.progressed')
  expect(seen).toMatchObject([
    { state: 'running', lastSafePointAt: null },
    { state: 'running', progress: 0.4, lastSafePointAt: saved.createdAt },
  ])
  expect(await shown()).toMatchObject({ state: 'succeeded', lastSafePointAt: null })
})

test('a failed job shows where its code threw, and so does its stint', async ({ world }) => {
  const { call, submit } = await signIn(world)
  const broken = defineJob({
    kind: 'debug.noop',
    summary: 'Throws',
    input: z.object({}),
    output: z.null(),
    async *run() {
      throw new TypeError('no map', { cause: new Error('no paper') })
    },
  })
  const id = await submit({ maxAttempts: 1 })
  expect((await call('GET', `/jobs/${id}`)).body.job).toMatchObject({ error: null, stack: null })
  await invoke(createEngine(world.app, [broken]))
  const { job } = (await call('GET', `/jobs/${id}`)).body
  expect(job).toMatchObject({ state: 'failed', error: { code: 'TypeError', message: 'no map' } })
  expect(job.stack).toMatch(/^TypeError: no map\n {4}at .*functions\/http\/jobs\.test\.ts/)
  expect(job.stack).toContain('\ncaused by: Error: no paper\n')
  const { body } = await call('GET', `/jobs/${id}/stints`)
  expect(body.items).toMatchObject([{ outcome: 'failed', error: job.error, stack: job.stack }])
  expect((await call('GET', '/jobs')).body.items[0]).not.toHaveProperty('stack')
})

test('a job that may expire says when, and then that it did; a repeat of its submission still leads to it', async ({
  world,
}) => {
  const { token, call } = await signIn(world)
  const body = { kind: 'debug.noop', input: {}, expiresAt: '2100-01-01T01:00:00+01:00' }
  const post = () => world.http('POST', '/jobs', { token, body, headers: { 'idempotency-key': 'once' } })
  const { status, body: answer } = await post()
  const { id } = answer.job
  const expiresAt = '2100-01-01T00:00:00.000Z'
  expect([status, answer.job]).toMatchObject([202, { state: 'queued', expiresAt }])
  expect((await call('GET', `/jobs/${id}`)).body.job).toMatchObject({ expiresAt })
  expect((await call('GET', '/jobs')).body.items).toMatchObject([{ id, expiresAt }])
  await world.sql`UPDATE jobs SET expires_at = now()`
  await sweep(world.app)
  expect((await post()).body.job).toMatchObject({ id, state: 'cancelled', error: { code: 'EXPIRED' } })
  const refused = async (over: object) => (await call('POST', '/jobs', { ...body, ...over })).body.errors?.[0]?.path
  expect(await refused({ expiresAt: '2020-01-01T00:00:00Z' })).toBe('expiresAt')
  expect(await refused({ expiresInSeconds: 5 })).toBe('expiresAt')
  expect(await refused({ expiresAt: 'soon' })).toBe('expiresAt')
  expect(await refused({ expiresAt: undefined, expiresInSeconds: 0 })).toBe('expiresInSeconds')
  expect(await refused({ expiresAt: undefined, expiresInSeconds: 60, delaySeconds: 60 })).toBe('expiresInSeconds')
  const jobs = [{ kind: 'debug.noop', input: {} }, body, { ...body, runAt: expiresAt }]
  expect((await call('POST', '/jobs/batch', { jobs })).body.errors).toMatchObject([{ path: 'jobs[2].expiresAt' }])
  const later = await call('POST', '/jobs', { ...body, delaySeconds: 600 })
  const change = (it: object) => call('PATCH', `/jobs/${later.body.job.id}`, it)
  expect(await change({ expiresInSeconds: 60 })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'expiresInSeconds' }] },
  })
  expect((await change({ expiresAt: null })).body.job).toMatchObject({ expiresAt: null })
})

describe('a job that waits', () => {
  test('is changed by who may, as it was submitted: its time, its place, and how it is called', async ({ world }) => {
    const { call, submit, projectId } = await signIn(world)
    const id = await submit({ delaySeconds: 3_600, name: 'Old', tags: ['old'] })
    const change = { name: 'New', tags: ['new'], priority: 7, maxAttempts: 2, timeoutSeconds: 9 }
    const later = { ...change, runAt: '2100-01-01T01:00:00+01:00' }
    const { status, body } = await call('PATCH', `/jobs/${id}`, later)
    const startAt = '2100-01-01T00:00:00.000Z'
    expect({ status, job: body.job }).toMatchObject({ status: 200, job: { ...change, state: 'queued', startAt } })
    const { job } = (await call('GET', `/jobs/${id}`)).body
    expect(job).toMatchObject({ ...body.job, waitingBecause: { reason: 'delayed', until: startAt } })
    expect((await call('GET', '/jobs?tag=new')).body.items).toHaveLength(1)
    expect((await call('GET', '/jobs?tag=old')).body.items).toHaveLength(0)

    const now = await call('PATCH', `/jobs/${id}`, { delaySeconds: 0, name: null })
    expect(now.body.job).toMatchObject({ name: null, priority: 7 })
    expect((await call('GET', `/jobs/${id}`)).body.job.waitingBecause).toMatchObject({ reason: 'behind', jobs: 0 })
    const audit = await call('GET', `/projects/${projectId}/audit`)
    expect(audit.body.items.map((it: { action: string; data: object }) => [it.action, it.data])).toEqual([
      ['job.change', { changed: ['name', 'startAt'] }],
      ['job.change', { changed: ['name', 'priority', 'tags', 'maxAttempts', 'timeoutSeconds', 'startAt'] }],
    ])
  })

  test('is refused a change by the name of its field; one that runs or has ended, at all', async ({ world }) => {
    const { call, submit } = await signIn(world)
    const id = await submit()
    const refused = async (body: object) => {
      const answer = await call('PATCH', `/jobs/${id}`, body)
      return [answer.status, answer.body.code, answer.body.errors?.[0].path]
    }
    const both = { delaySeconds: 1, runAt: '2100-01-01T00:00:00Z' }
    expect(await refused(both)).toEqual([422, 'VALIDATION_FAILED', 'runAt'])
    expect(await refused({ priority: 11 })).toEqual([422, 'VALIDATION_FAILED', 'priority'])
    expect(await refused({ input: {} })).toEqual([422, 'VALIDATION_FAILED', 'input'])
    expect(await refused({ tags: ['no blank'] })).toEqual([422, 'VALIDATION_FAILED', 'tags[0]'])
    expect((await call('PATCH', `/jobs/${id}`, {})).body.job).toMatchObject({ id, state: 'queued' })
    await world.sql`UPDATE jobs SET state = 'running', lease_until = now() + interval '1 minute' WHERE id = ${id}`
    expect(await refused({ priority: 1 })).toEqual([409, 'JOB_RUNNING', undefined])
    await world.sql`UPDATE jobs SET state = 'succeeded', lease_until = NULL, finished_at = now() WHERE id = ${id}`
    expect(await refused({ priority: 1 })).toEqual([409, 'JOB_ENDED', undefined])
  })
})
