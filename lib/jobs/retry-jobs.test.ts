import { describe, expect } from 'vitest'
import * as events from '../../db/queries/events.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as stints from '../../db/queries/stints.ts'
import { createEngine, insertJobs, invoke, script } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { readSoFar } from '../../tests/support/rows-read.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { cancelJob } from './cancel.ts'
import { redriveJobs, retryJob } from './retry-jobs.ts'

const get = async (app: App, id: string) => (await jobs.find(app.sql, id)) ?? expect.unreachable()
const lastEvent = async (app: App, id: string) => (await events.list(app.sql, id, 0, 100)).at(-1)

/** A job that has counted to 2 of 4 and then failed for good. */
const failHalfWay = async (app: App): Promise<string> => {
  script.onCount = (at) => {
    if (at === 3) throw new Error('it broke')
  }
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":4}', maxAttempts: 1 }])
  await invoke(createEngine(app))
  expect(await get(app, id)).toMatchObject({ state: 'failed', progress: 0.5 })
  return id
}

/** Jobs that failed with a code, one second after the other. */
const insertFailed = async ({ app, sql }: World, given: (Partial<jobs.NewJob> & { code?: string })[]) => {
  const ids = await insertJobs(
    app,
    given.map(({ code, ...job }) => job),
  )
  for (const [index, id] of ids.entries()) {
    const error = JSON.stringify({ code: given[index]?.code ?? 'BROKEN', message: 'it broke' })
    await sql`
      UPDATE jobs SET state = 'failed', error = ${error}::text::jsonb, attempt = 3, crashes = 2, run_ms = 5000,
                      event_seq = 2, finished_at = now() - interval '1 hour' + ${index} * interval '1 second'
      WHERE id = ${id}`
    await sql`INSERT INTO events (job_id, project_id, seq, type) SELECT id, project_id, 2, 'job.failed' FROM jobs WHERE id = ${id}`
  }
  await drain(app)
  return ids
}

const drain = async (app: App): Promise<number[]> => {
  const doorbells = await app.queue.receive('default', { max: 10, waitSeconds: 0 })
  await app.queue.delete(
    'default',
    doorbells.map((it) => it.receiptHandle),
  )
  return doorbells.map((it) => JSON.parse(it.body).n)
}

const queued = async ({ sql }: World): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`SELECT id FROM jobs WHERE state = 'queued' ORDER BY start_at, id`
  return rows.map((row) => row.id)
}

describe('a retry', () => {
  test('of a job that is removed at that moment says that there is none, and leaves no trace', async ({ world }) => {
    const { app, sql } = world
    const [id = ''] = await insertFailed(world, [{}])
    const noted: string[] = []
    const { retrying } = await sql.begin(async (tx) => {
      await tx`DELETE FROM jobs WHERE id = ${id}`
      const retrying = retryJob(app, id, { fromStart: false }, async () => void noted.push(id)).catch((error) => error)
      await untilOneWaits(sql)
      return { retrying }
    })
    expect(await retrying).toMatchObject({ code: 'JOB_NOT_FOUND' })
    expect(noted).toEqual([])
  })

  test('goes on from the checkpoint, with attempts, crashes and time anew', async ({ world: { app } }) => {
    const id = await failHalfWay(app)
    await drain(app)
    await retryJob(app, id, { fromStart: false })
    expect(await get(app, id)).toMatchObject({
      state: 'queued',
      attempt: 1,
      crashes: 0,
      runMs: 0,
      stint: 1,
      progress: 0.5,
      partial: { at: 2 },
      error: null,
      finishedAt: null,
    })
    expect(await lastEvent(app, id)).toMatchObject({ type: 'job.queued', data: { reason: 'retried', attempt: 1 } })
    expect(await drain(app)).toEqual([1])

    const counted: number[] = []
    script.onCount = (at) => void counted.push(at)
    await invoke(createEngine(app))
    expect(await get(app, id)).toMatchObject({ state: 'succeeded', stint: 2, result: { counted: 4 } })
    expect(counted).toEqual([3, 4])
    expect((await stints.list(app.sql, id, 0, 10)).map((it) => it.outcome)).toEqual(['failed', 'succeeded'])
    const seqs = (await events.list(app.sql, id, 0, 100)).map((it) => it.seq)
    expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  })

  test('from the start forgets the checkpoint', async ({ world: { app } }) => {
    const id = await failHalfWay(app)
    await retryJob(app, id, { fromStart: true })
    expect(await get(app, id)).toMatchObject({ state: 'queued', progress: 0, partial: null })
    const counted: number[] = []
    script.onCount = (at) => void counted.push(at)
    await invoke(createEngine(app))
    expect(counted).toEqual([1, 2, 3, 4])
  })

  test('of a cancelled job runs it, and its cancel counts no more', async ({ world: { app } }) => {
    const [id = ''] = await insertJobs(app, [{}])
    await cancelJob(app, id)
    await app.sql`UPDATE jobs SET cancel_acknowledged_at = now()`
    await retryJob(app, id, { fromStart: false })
    expect(await get(app, id)).toMatchObject({ state: 'queued', cancelRequestedAt: null, cancelAcknowledgedAt: null })
    await invoke(createEngine(app))
    expect(await get(app, id)).toMatchObject({ state: 'succeeded' })
  })

  test('is for jobs that failed or were cancelled, and for no others', async ({ world: { app, sql } }) => {
    const [done = '', waiting = ''] = await insertJobs(app, [{ priority: 1 }, {}])
    await expect(retryJob(app, waiting, { fromStart: false })).rejects.toMatchObject({ code: 'JOB_NOT_ENDED' })
    await invoke(createEngine(app), { budget: 1 })
    await expect(retryJob(app, done, { fromStart: false })).rejects.toMatchObject({ code: 'JOB_SUCCEEDED' })
    await sql`UPDATE jobs SET state = 'running' WHERE id = ${waiting}`
    await expect(retryJob(app, waiting, { fromStart: false })).rejects.toMatchObject({ code: 'JOB_NOT_ENDED' })
    await expect(retryJob(app, newId(), { fromStart: false })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
    expect((await lastEvent(app, done))?.type).toBe('job.succeeded')
  })

  test('of two at the same time counts once', async ({ world: { app } }) => {
    const id = await failHalfWay(app)
    const both = await Promise.allSettled([
      retryJob(app, id, { fromStart: false }),
      retryJob(app, id, { fromStart: false }),
    ])
    expect(both.map((it) => it.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const queuedEvents = (await events.list(app.sql, id, 0, 100)).filter((it) => it.type === 'job.queued')
    expect(queuedEvents).toHaveLength(2)
  })
})

describe('a redrive', () => {
  const all = { askedBy: 'ada', limit: 100, perSecond: undefined }

  test('queues failed jobs again, and rings once for all of them', async ({ world }) => {
    const ids = await insertFailed(world, [{}, {}, {}])
    expect(await redriveJobs(world.app, { queue: 'default' }, all)).toEqual({ redriven: 3, skipped: 0 })
    expect((await queued(world)).toSorted()).toEqual(ids.toSorted())
    expect(await get(world.app, ids[0] ?? '')).toMatchObject({ attempt: 1, crashes: 0, runMs: 0, error: null })
    expect(await lastEvent(world.app, ids[0] ?? '')).toMatchObject({
      seq: 3,
      type: 'job.queued',
      data: { reason: 'redriven' },
    })
    expect(await drain(world.app)).toEqual([3])
    expect(await redriveJobs(world.app, { queue: 'default' }, all)).toEqual({ redriven: 0, skipped: 0 })
  })

  test('takes those that its filter names', async ({ world }) => {
    const project = '00000000-0000-7000-8000-00000000000f'
    const ids = await insertFailed(world, [
      { kind: 'test.fail', input: '{"how":"error"}' },
      { tags: ['a', 'b'] },
      { projectId: project },
      { code: 'TIMEOUT' },
      { queue: 'bulk' },
    ])
    const taken = async (filter: object) => {
      await redriveJobs(world.app, { queue: 'default', ...filter }, all)
      const now = await queued(world)
      await world.sql`UPDATE jobs SET state = 'failed', error = '{"code":"BROKEN"}' WHERE state = 'queued'`
      return now.map((id) => ids.indexOf(id))
    }
    const [second] = await world.sql<[{ at: Date }]>`SELECT finished_at AS at FROM jobs WHERE id = ${ids[1] ?? ''}`
    expect(
      await taken({ failedAfter: second.at.toISOString(), failedBefore: new Date().toISOString(), code: 'TIMEOUT' }),
    ).toEqual([3])
    expect(await taken({ kind: 'test.fail' })).toEqual([0])
    expect(await taken({ tag: 'b' })).toEqual([1])
    expect(await taken({ projectId: project })).toEqual([2])
    expect(await taken({ queue: 'bulk' })).toEqual([4])
    expect(await taken({ code: 'NONE' })).toEqual([])
  })

  test('takes those first that failed first, and no more than its limit', async ({ world }) => {
    const ids = await insertFailed(world, [{}, {}, {}, {}])
    await redriveJobs(world.app, { queue: 'default' }, { askedBy: 'ada', limit: 2, perSecond: undefined })
    expect((await queued(world)).toSorted()).toEqual(ids.slice(0, 2).toSorted())
  })

  test('reads no more than it takes, however many have failed', async ({ world: { app, sql } }) => {
    await sql`
      INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input, error, finished_at)
      SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'failed', 'test.echo', 'default', '{}', '{"code":"BROKEN"}',
             now() - n * interval '1 second'
      FROM generate_series(1, 3000) AS n`
    // Of a table that nobody has counted, PostgreSQL 15 expects one row in the index, and reads and sorts them all.
    await sql`ANALYZE jobs`
    let rows = 0
    await redriveJobs(app, { queue: 'default' }, { askedBy: 'ada', limit: 10, perSecond: undefined }, async (tx) => {
      rows = await readSoFar(tx)
    })
    expect(rows).toBeLessThan(200)
  })

  test('leaves those alone that failed because of a parent, unless asked for them', async ({ world }) => {
    const [parent = '', child = ''] = await insertFailed(world, [{}, { code: 'PARENT_FAILED' }])
    await redriveJobs(world.app, { queue: 'default' }, all)
    expect(await queued(world)).toEqual([parent])
    await redriveJobs(world.app, { queue: 'default', code: 'PARENT_FAILED' }, all)
    expect((await queued(world)).toSorted()).toEqual([parent, child].toSorted())
  })

  test('leaves the jobs of deleted projects alone', async ({ world }) => {
    const projectId = newId()
    await world.sql`INSERT INTO projects (id, name, deleted_at) VALUES (${projectId}, 'Gone', now())`
    await insertFailed(world, [{ projectId }])
    expect(await redriveJobs(world.app, { queue: 'default' }, all)).toEqual({ redriven: 0, skipped: 0 })
  })

  test('spreads their starts, in the order in which they failed', async ({ world }) => {
    const ids = await insertFailed(world, [{}, {}, {}, {}, {}])
    await redriveJobs(world.app, { queue: 'default' }, { askedBy: 'ada', limit: 10, perSecond: 0.5 })
    expect(await queued(world)).toEqual(ids)
    const rows = await world.sql<{ after: number }[]>`
      SELECT extract(epoch FROM start_at - min(start_at) OVER ())::integer AS after FROM jobs ORDER BY start_at`
    expect(rows.map((row) => row.after)).toEqual([0, 2, 4, 6, 8])
    expect(await drain(world.app)).toEqual([1])
  })

  test('leaves ended jobs of other states alone', async ({ world }) => {
    const [id = ''] = await insertJobs(world.app, [{}])
    await cancelJob(world.app, id)
    expect(await redriveJobs(world.app, { queue: 'default' }, all)).toEqual({ redriven: 0, skipped: 0 })
  })
})
