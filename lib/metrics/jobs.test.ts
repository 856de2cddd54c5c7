import { describe, expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke, script, testKinds } from '../../tests/support/engine.ts'
import { readMetrics } from '../../tests/support/metrics.ts'
import { test, type World } from '../../tests/support/world.ts'
import { cancelJob } from '../jobs/cancel.ts'
import { prepare } from '../jobs/prepare.ts'
import { submit } from '../jobs/submit.ts'
import { sweep } from '../jobs/sweep.ts'
import { STINT_OUTCOMES } from './jobs.ts'

/** What the rows say that ended, and how. */
const fromRows = async ({ sql }: World) => {
  const ended = await sql`
    SELECT kind || ' ' || state AS what, count(*)::integer AS count FROM jobs
    WHERE state IN ('succeeded', 'failed', 'cancelled') GROUP BY 1`
  const outcomes = await sql`SELECT outcome AS what, count(*)::integer AS count FROM stints GROUP BY 1`
  const toCounts = (rows: Iterable<Record<string, unknown>>) =>
    Object.fromEntries([...rows].map((row) => [String(row['what']), Number(row['count'])]))
  return { finished: toCounts(ended), stints: toCounts(outcomes) }
}

const fromMetrics = async ({ app }: World) => {
  const metrics = await readMetrics(app)
  return { finished: metrics.counts('stint_jobs_finished_total'), stints: metrics.counts('stint_stints_total') }
}

const owner = { projectId: '00000000-0000-7000-8000-000000000001', createdBy: null }
const echo = (over: object = {}) => prepare(testKinds, { kind: 'test.echo', input: { value: 1 }, ...over }, owner)

const loseLease = async (world: World, id: string, crashes = 0): Promise<void> => {
  await world.sql`
    UPDATE jobs SET state = 'running', stint = stint + 1, worker = 'w', stint_started_at = now() - interval '3 seconds',
      lease_until = now() - interval '1 second', crashes = ${crashes}
    WHERE id = ${id}`
}

describe('jobs that end and their stints are counted as the rows have them', () => {
  test('however a stint ends', async ({ world }) => {
    const { app } = world
    const [, , , , , lost = '', crashed = ''] = await insertJobs(app, [
      {},
      {},
      { kind: 'test.fail', input: '{"how":"permanent"}' },
      { kind: 'test.fail', input: '{"how":"error"}', maxAttempts: 2 },
      { kind: 'test.fail', input: '{"how":"later"}' },
      {},
      {},
    ])
    await loseLease(world, lost)
    await loseLease(world, crashed, 2)
    await sweep(app)
    await invoke(createEngine(app))
    await app.sql`UPDATE jobs SET start_at = now()`
    await invoke(createEngine(app))

    const counted = await fromMetrics(world)
    expect(counted).toEqual(await fromRows(world))
    expect(counted.stints).toEqual({ succeeded: 3, failed: 2, retried: 1, postponed: 2, crashed: 2 })
  })

  test('when it is stopped at a safe point', async ({ world }) => {
    const [id = ''] = await insertJobs(world.app, [{ kind: 'test.count', input: '{"to":2000000}' }])
    script.onCount = () => {}
    await invoke(createEngine({ ...world.app, cutStint: () => true }), { budget: 1 })
    await cancelJob(world.app, id)
    const counted = await fromMetrics(world)
    expect(counted).toEqual(await fromRows(world))
    expect(counted).toEqual({ finished: { 'test.count cancelled': 1 }, stints: { continued: 1 } })
  })

  test('when a running job is cancelled', async ({ world: { app, ...world } }) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":2000000}' }])
    const began = Promise.withResolvers<void>()
    script.onCount = () => began.resolve()
    const run = invoke(createEngine(app))
    await began.promise
    await cancelJob(app, id)
    await cancelJob(app, id)
    await run
    expect(await fromMetrics({ app, ...world })).toEqual({
      finished: { 'test.count cancelled': 1 },
      stints: { cancelled: 1 },
    })
  })

  test('with the children that end because of their parents', async ({ world }) => {
    const { app } = world
    const parent = prepare(testKinds, { kind: 'test.fail', input: { how: 'permanent' } }, owner)
    const child = { ...echo(), after: [parent.row.id] }
    const skipped = { ...echo({ onParentFailure: 'skip' }), after: [parent.row.id] }
    const grandchild = { ...echo(), after: [child.row.id] }
    await submit(app, [parent, child, skipped, grandchild])
    await invoke(createEngine(app))
    const late = { ...echo(), after: [parent.row.id] }
    await submit(app, [late])

    const counted = await fromMetrics(world)
    expect(counted).toEqual(await fromRows(world))
    expect(counted.finished).toEqual({ 'test.fail failed': 1, 'test.echo failed': 3, 'test.echo cancelled': 1 })
  })
})

describe('submissions', () => {
  test('are counted once, however often they are repeated', async ({ world: { app } }) => {
    const idempotency = { key: 'k', bodyHash: 'h' }
    await submit(app, [echo(), echo(), prepare(testKinds, { kind: 'test.count', input: { to: 1 } }, owner)])
    await submit(app, [{ ...echo(), idempotency }])
    await submit(app, [{ ...echo(), idempotency }])
    expect((await readMetrics(app)).counts('stint_jobs_submitted_total')).toEqual({
      'test.echo default': 3,
      'test.count default': 1,
    })
  })

  test('that take the place of another one end that one', async ({ world }) => {
    const unique = { key: 'u', forSeconds: 0, onDuplicate: 'return' as const }
    await submit(world.app, [{ ...echo(), unique }])
    await submit(world.app, [{ ...echo(), unique }])
    await submit(world.app, [{ ...echo(), unique: { ...unique, onDuplicate: 'replace' } }])
    expect((await readMetrics(world.app)).counts('stint_jobs_submitted_total')).toEqual({ 'test.echo default': 2 })
    const counted = await fromMetrics(world)
    expect(counted).toEqual(await fromRows(world))
    expect(counted.finished).toEqual({ 'test.echo cancelled': 1 })
  })
})

test('a claim tells for how long its jobs had been due', async ({ world: { app } }) => {
  const [early = ''] = await insertJobs(app, [{}, {}, {}])
  await app.sql`UPDATE jobs SET start_at = now() - interval '40 days' WHERE id = ${early}`
  await invoke(createEngine(app))
  await invoke(createEngine(app))
  const { value, counts } = await readMetrics(app)
  expect(counts('stint_claims_total')).toEqual({ 'default some': 1, 'default none': 2 })
  expect(value('stint_job_wait_seconds_count', { queue: 'default' })).toBe(3)
  expect(value('stint_job_wait_seconds_sum', { queue: 'default' })).toBeGreaterThanOrEqual(40 * 86_400)
  expect(value('stint_job_wait_seconds_bucket', { queue: 'default', le: '3600' })).toBe(2)
})

test('a job of a kind with limits tells how long it waited, too', async ({ world: { app } }) => {
  const limited = testKinds.map((kind) => (kind.kind === 'test.echo' ? { ...kind, limits: { running: 1 } } : kind))
  const [id = ''] = await insertJobs(app, [{ concurrencyKey: '' }])
  await app.sql`UPDATE jobs SET start_at = now() - interval '10 minutes' WHERE id = ${id}`
  await invoke(createEngine(app, limited))
  const { value } = await readMetrics(app)
  expect(value('stint_job_wait_seconds_bucket', { queue: 'default', le: '300' })).toBe(0)
  expect(value('stint_job_wait_seconds_bucket', { queue: 'default', le: '900' })).toBe(1)
})

test('the running time of a job is that of all its stints, seen when it ends', async ({ world: { app } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":3}' }])
  await app.sql`UPDATE jobs SET run_ms = 3600000 WHERE id = ${id}`
  script.onCount = () => {}
  await invoke(createEngine(app))
  const { runMs = 0 } = (await jobs.find(app.sql, id)) ?? {}
  const { value } = await readMetrics(app)
  expect(value('stint_job_run_seconds_count', { kind: 'test.count' })).toBe(1)
  expect(value('stint_job_run_seconds_sum', { kind: 'test.count' })).toBeCloseTo(runMs / 1_000, 6)
})

test('a stint whose outcome comes from behind the fence is counted as fenced and as nothing else', async ({
  world,
}) => {
  const { app } = world
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":2}' }])
  const began = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  const slow = testKinds.map((kind) =>
    kind.kind === 'test.count'
      ? {
          ...kind,
          async *run() {
            began.resolve()
            await taken.promise
            return { counted: 2 }
          },
        }
      : kind,
  )
  const run = invoke(createEngine(app, slow))
  await began.promise
  await app.sql`UPDATE jobs SET stint = stint + 1 WHERE id = ${id}`
  taken.resolve()
  await run
  const metrics = await readMetrics(app)
  expect(metrics.value('stint_stints_fenced_total')).toBe(1)
  expect(await fromMetrics(world)).toEqual({ finished: {}, stints: {} })
})

test('doorbells are counted when SQS has taken them', async ({ world: { app } }) => {
  await app.queue.ring([
    { queue: 'default', n: 500 },
    { queue: 'default', n: 1 },
    { queue: 'bulk', n: 1 },
  ])
  expect((await readMetrics(app)).counts('stint_doorbells_sent_total')).toEqual({ default: 2, bulk: 1 })
})

test('the outcomes of stints are those that the table takes', async ({ world: { sql } }) => {
  const [row] = await sql<{ text: string }[]>`
    SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'stints_outcome_check'`
  const allowed = row?.text.matchAll(/'(\w+)'/g).map(([, outcome]) => outcome)
  expect([...(allowed ?? [])].toSorted()).toEqual([...STINT_OUTCOMES].toSorted())
})
