import { describe, expect } from 'vitest'
import { z } from 'zod'
import * as dependencies from '../../db/queries/dependencies.ts'
import * as events from '../../db/queries/events.ts'
import * as expiries from '../../db/queries/expiries.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as queues from '../../db/queries/queues.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { createEngine, insertJobs, invoke, PROJECT, testKinds } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { readMetrics } from '../../tests/support/metrics.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { claimWaiting } from '../../tests/support/waiting-jobs.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { changeJob } from './change.ts'
import { claim } from './claim.ts'
import { type JobKind, RetryLater } from './define.ts'
import { prepare } from './prepare.ts'
import { retryJob } from './retry-jobs.ts'
import type { Submission } from './submission-fields.ts'
import { submit } from './submit.ts'
import { sweep } from './sweep.ts'

const PAST = '2020-01-01T00:00:00Z'
const FUTURE = '2100-01-01T00:00:00.000Z'

const get = async ({ sql }: Pick<App, 'sql'>, id: string) => (await jobs.find(sql, id)) ?? expect.unreachable()
const statesOf = async (app: App, ids: string[]) => Promise.all(ids.map(async (id) => (await get(app, id)).state))
const expireNow = ({ sql }: World, ...ids: string[]) =>
  sql`UPDATE jobs SET expires_at = now() WHERE id = ANY (${ids}::uuid[])`

const submitted = async (app: App, over: Partial<Submission> = {}): Promise<string> => {
  const it = prepare(
    testKinds,
    { kind: 'test.echo', input: { value: 1 }, ...over },
    { projectId: PROJECT, createdBy: null },
  )
  const [first] = await submit(app, [it])
  return first?.jobId ?? expect.unreachable()
}

describe('a job that has expired', () => {
  test('is started by no claim, before the sweep has come for it, and others are', async ({ world }) => {
    const { app } = world
    const ids = await insertJobs(app, [{ expiresAt: PAST }, {}, { expiresAt: FUTURE }, { expiresAt: PAST }, {}])
    await invoke(createEngine(app))
    expect(await statesOf(app, ids)).toEqual(['queued', 'succeeded', 'succeeded', 'queued', 'succeeded'])
  })

  test('is in nobody’s way where it is all that its project has', async ({ world }) => {
    const { app } = world
    await insertJobs(app, [{ expiresAt: PAST, priority: 10 }, { expiresAt: PAST }])
    const other = '00000000-0000-7000-8000-000000000002'
    const [id = ''] = await insertJobs(app, [{ projectId: other, priority: -10 }])
    const free = testKinds.map((kind) => ({ kind, slots: 10 }))
    const claimed = await claim(app, { queue: 'default', limit: 1, free, suspects: 'either' })
    expect(claimed.map((job) => job.id)).toEqual([id])
    expect(await claim(app, { queue: 'default', limit: 1, free, suspects: 'either' })).toEqual([])
  })

  test('is not started either where its kind has limits', async ({ world }) => {
    const { app } = world
    const limited: JobKind = { ...(testKinds[0] as JobKind), limits: { running: 10 } }
    const [expired = '', other = ''] = await insertJobs(app, [
      { concurrencyKey: '', expiresAt: PAST },
      { concurrencyKey: '', expiresAt: FUTURE },
    ])
    await invoke(createEngine(app, [limited]))
    expect(await statesOf(app, [expired, other])).toEqual(['queued', 'succeeded'])
  })

  test('is cancelled by the sweep, be it due, delayed or blocked, and says why', async ({ world }) => {
    const { app } = world
    const [due = '', delayed = '', blocked = '', later = '', never = ''] = await insertJobs(app, [
      { expiresAt: PAST },
      { expiresAt: PAST, delaySeconds: 600 },
      { expiresAt: PAST, waitsFor: 1 },
      { expiresInSeconds: 600 },
      {},
    ])
    await sweep(app)
    expect(await statesOf(app, [due, delayed, blocked, later, never])).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'queued',
      'queued',
    ])
    const error = { code: 'EXPIRED', message: 'nobody had started it when it expired' }
    const job = await get(app, due)
    expect(job).toMatchObject({ error, stint: 0, cancelRequestedAt: null, finishedAt: expect.any(Date) })
    const history = await events.list(app.sql, due, 0, 10)
    expect(history.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'job.queued'],
      [2, 'job.cancelled'],
    ])
    expect(history[1]?.data).toMatchObject({ reason: 'expired', error, stopped: 'before it ran' })
    expect((await readMetrics(app)).counts('stint_jobs_expired_total')).toEqual({ 'test.echo': 3 })
    expect((await readMetrics(app)).counts('stint_jobs_finished_total')).toEqual({ 'test.echo cancelled': 3 })
  })

  test('ends and frees the jobs that run after it, as they were told', async ({ world }) => {
    const { app } = world
    const [parent = '', fails = '', skips = '', runs = ''] = await insertJobs(app, [
      { expiresAt: PAST, hasChildren: true },
      ...(['fail', 'skip', 'run'] as const).map((onParentFailure) => ({
        waitsFor: 1,
        hasParents: true,
        onParentFailure,
      })),
    ])
    await dependencies.insert(
      app.sql,
      [fails, skips, runs].map((childId) => ({ childId, parentId: parent })),
    )
    await sweep(app)
    expect(await statesOf(app, [parent, fails, skips, runs])).toEqual(['cancelled', 'failed', 'cancelled', 'queued'])
    expect(await app.queue.visible('default')).toBe(1)
  })

  test('has its unique key no more, even before it is cancelled', async ({ world }) => {
    const { app } = world
    const first = await submitted(app, { uniqueKey: 'one', expiresInSeconds: 600 })
    expect(await submitted(app, { uniqueKey: 'one' })).toBe(first)
    await expireNow(world, first)
    const second = await submitted(app, { uniqueKey: 'one' })
    expect(second).not.toBe(first)
    expect(await get(app, first)).toMatchObject({ state: 'cancelled', error: { code: 'EXPIRED' } })
    expect(await submitted(app, { uniqueKey: 'one' })).toBe(second)
    expect((await readMetrics(app)).counts('stint_jobs_expired_total')).toEqual({ 'test.echo': 1 })
  })

  test('begins anew without an expiry when somebody retries it', async ({ world }) => {
    const { app } = world
    const [id = ''] = await insertJobs(app, [{ expiresAt: PAST }])
    await sweep(app)
    await retryJob(app, id, { fromStart: false })
    expect(await get(app, id)).toMatchObject({ state: 'queued', expiresAt: null, error: null })
    await sweep(app)
    await invoke(createEngine(app))
    expect(await get(app, id)).toMatchObject({ state: 'succeeded' })
  })
})

test('a job that has started once never expires, whatever it waits for then', async ({ world }) => {
  const { app } = world
  let stints = 0
  const later: JobKind = {
    ...(testKinds[0] as JobKind),
    output: z.null(),
    async *run() {
      if (++stints === 1) throw new RetryLater(0)
      return null
    },
  }
  const [id = ''] = await insertJobs(app, [{ expiresInSeconds: 600 }])
  await app.sql`UPDATE jobs SET start_at = now()`
  const free = [{ kind: later, slots: 1 }]
  const [claimed] = await claim(app, { queue: 'default', limit: 1, free, suspects: 'either' })
  expect(claimed?.id).toBe(id)
  // Its worker dies, and it expires while it waits for its next stint.
  await app.sql`UPDATE jobs SET lease_until = now() - interval '1 second'`
  await expireNow(world, id)
  await sweep(app)
  expect(await get(app, id)).toMatchObject({ state: 'queued', stint: 1 })
  await invoke(createEngine(app, [later]))
  await sweep(app)
  await invoke(createEngine(app, [later]))
  expect(await get(app, id)).toMatchObject({ state: 'succeeded', error: null })
})

test('thousands that expire at once are all cancelled, each batch by its ids, and where none do the sweep reads none', async ({
  world,
}) => {
  const { app, sql } = world
  await addEnded(sql, PROJECT, 3_000)
  await insertJobs(
    app,
    Array.from({ length: 3_000 }, (_, nth) => (nth % 2 ? {} : { expiresInSeconds: 600 })),
  )
  const idle = await sql.begin((tx) => rowsRead(tx, () => expiries.list(tx, 500)))
  expect(idle).toMatchObject({ result: [] })
  expect(idle.rows).toBeLessThan(5)
  await sql`UPDATE jobs SET expires_at = now() WHERE expires_at IS NOT NULL`
  const some = (await expiries.list(sql, 500)).slice(0, 10)
  const cancelled = await sql.begin((tx) => rowsRead(tx, () => expiries.cancel(tx, some)))
  expect(cancelled.result).toHaveLength(10)
  expect(cancelled.rows).toBeLessThan(100)
  // A pass takes 1.5 s of it at most.
  for (let pass = 0; pass < 20 && (await expiries.list(sql, 1)).length > 0; pass++) await sweep(app)
  const counts =
    await sql`SELECT state, count(*)::integer AS jobs FROM jobs WHERE kind = 'test.echo' GROUP BY state ORDER BY state`
  expect(counts).toEqual([
    { state: 'cancelled', jobs: 1_500 },
    { state: 'queued', jobs: 1_500 },
  ])
})

test('a claim reads those that have expired once, takes all that stand behind them, and nobody is rung for them', async ({
  world,
}) => {
  const { app, sql } = world
  const MANY = 2_000
  const expired = { expiresAt: PAST }
  const [low = ''] = await insertJobs(app, [{}])
  await insertJobs(app, [
    ...Array.from({ length: MANY }, () => ({ ...expired, priority: 5 })),
    { ...expired, priority: 7 },
    { ...expired, priority: -1 },
    { ...expired, concurrencyKey: 'host' },
  ])
  await sql`UPDATE jobs SET start_at = now() - interval '1 hour'`
  const [behind = '', more = ''] = await insertJobs(app, [{ priority: 5 }, { priority: 5 }])
  await sql`ANALYZE jobs`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => claimWaiting(tx, 10)))
  expect(result.map((job) => job.id)).toEqual([behind, more, low])
  expect(rows).toBeLessThan(MANY + 100)
  expect(await queues.listOverdue(sql, 2, 10_000)).toMatchObject({ overdue: [] })
})

test('an expiry that is put off in that moment holds', async ({ world }) => {
  const { app, sql } = world
  const [id = ''] = await insertJobs(app, [{ expiresAt: PAST }])
  let swept: Promise<void> | undefined
  await sql.begin(async (tx) => {
    await tx`UPDATE jobs SET expires_at = ${FUTURE} WHERE id = ${id}`
    swept = sweep(app)
    await untilOneWaits(sql)
  })
  await swept
  expect(await get(app, id)).toMatchObject({ state: 'queued' })
})

describe('an expiry', () => {
  test('that comes before the start is refused by its name, alone and in a batch, and nothing is stored', async ({
    world,
  }) => {
    const { app } = world
    const refusal = async (...given: Partial<Submission>[]) => {
      const owner = { projectId: PROJECT, createdBy: null }
      const prepared = given.map((it, nth) =>
        prepare(
          testKinds,
          { kind: 'test.echo', input: { value: 1 }, ...it },
          owner,
          given.length > 1 ? `jobs[${nth}]` : '',
        ),
      )
      const error = await submit(app, prepared).catch((it) => it)
      return [error.code, error.errors?.[0]?.path]
    }
    expect(await refusal({ expiresAt: PAST })).toEqual(['VALIDATION_FAILED', 'expiresAt'])
    expect(await refusal({ delaySeconds: 60, expiresInSeconds: 60 })).toEqual(['VALIDATION_FAILED', 'expiresInSeconds'])
    expect(await refusal({ runAt: FUTURE, expiresAt: FUTURE })).toEqual(['VALIDATION_FAILED', 'expiresAt'])
    expect(await refusal({ runAt: FUTURE, expiresInSeconds: 5 })).toEqual(['VALIDATION_FAILED', 'expiresInSeconds'])
    expect(await refusal({}, { expiresInSeconds: 5 }, { expiresAt: PAST })).toEqual([
      'VALIDATION_FAILED',
      'jobs[2].expiresAt',
    ])
    expect(await app.sql`SELECT FROM jobs`).toHaveLength(0)
    const id = await submitted(app, { delaySeconds: 60, expiresInSeconds: 61 })
    const { startAt, expiresAt } = await get(app, id)
    expect((expiresAt?.getTime() ?? 0) - startAt.getTime()).toBe(1_000)
  })

  test('is changed and taken away while the job waits, and refused when it comes before the start', async ({
    world,
  }) => {
    const { app } = world
    const [id = '', started = ''] = await insertJobs(app, [{ delaySeconds: 600 }, { expiresInSeconds: 900 }])
    const refusal = (of: string, change: Parameters<typeof changeJob>[2]) =>
      changeJob(app, of, change).then(
        () => 'taken',
        (error) => error.errors?.[0]?.path,
      )
    expect(await refusal(id, { expiresInSeconds: 300 })).toBe('expiresInSeconds')
    expect(await refusal(id, { expiresAt: PAST })).toBe('expiresAt')
    expect(await refusal(id, { expiresInSeconds: 900 })).toBe('taken')
    expect(await refusal(id, { delaySeconds: 1_200 })).toBe('delaySeconds')
    expect(await refusal(id, { runAt: FUTURE })).toBe('runAt')
    expect(await refusal(id, { runAt: FUTURE, expiresAt: '2100-01-01T00:00:01Z' })).toBe('taken')
    expect(await get(app, id)).toMatchObject({ startAt: new Date(FUTURE), expiresAt: new Date('2100-01-01T00:00:01Z') })
    expect(await refusal(id, { expiresAt: null })).toBe('taken')
    expect(await get(app, id)).toMatchObject({ expiresAt: null })
    const history = await events.list(app.sql, id, 0, 10)
    expect(history.map(({ data }) => data['changed'])).toEqual([
      undefined,
      ['expiresAt'],
      ['startAt', 'expiresAt'],
      ['expiresAt'],
    ])
    await app.sql`UPDATE jobs SET stint = 1 WHERE id = ${started}`
    expect(await refusal(started, { expiresInSeconds: 900 })).toBe('expiresInSeconds')
    expect(await refusal(started, { delaySeconds: 1_200 })).toBe('taken')
    expect(await refusal(started, { expiresAt: null, priority: 3 })).toBe('taken')
  })
})
