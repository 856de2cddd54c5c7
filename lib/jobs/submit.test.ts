import { availableParallelism } from 'node:os'
import { describe, expect } from 'vitest'
import { createPool } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import { untilWaiting } from '../../tests/support/lock-waits.ts'
import { test, type World } from '../../tests/support/world.ts'
import { settleWithChildren } from './settle.ts'

/** Somebody who submits over HTTP, as callers do. Nothing runs the jobs. */
const submitter = async (world: World) => {
  const { accessToken: token, projectId } = await world.register()
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    world.http('POST', path, { token, body: body as object, headers })
  return { token, projectId, post }
}
const serials = (over: object = {}) => ({
  kind: 'serials.generate',
  input: { deviceModelCode: '0111', start: 1, count: 1 },
  ...over,
})
const state = async (world: World, id: string) => (await jobs.find(world.sql, id))?.state
const endAs = (world: World, ids: string[], ending: 'returned' | 'refused') =>
  world.sql.begin(async (tx) => {
    await tx`UPDATE jobs SET state = 'running', stint = stint + 1, stint_started_at = now(), lease_until = now() + interval '1 minute' WHERE id = ANY (${ids}::uuid[])`
    const rows = await tx<{ id: string; stint: number }[]>`SELECT id, stint FROM jobs WHERE id = ANY (${ids}::uuid[])`
    return settleWithChildren(
      world.app,
      tx,
      rows.map(({ id, stint }) => ({
        id,
        stint,
        ending,
        runMs: 1,
        ...(ending === 'returned' ? { result: '1' } : { error: { code: 'NO', message: 'no' } }),
      })),
    )
  })

test('a job is stored together with its event, and its doorbell rings', async ({ world }) => {
  const { post } = await submitter(world)
  const { status, body } = await post('/jobs', serials())
  expect([status, body.job.state]).toEqual([202, 'queued'])
  expect(await jobs.find(world.sql, body.job.id)).toMatchObject({ state: 'queued', attempt: 1, stint: 0 })
  expect(await world.sql`SELECT job_id, seq, type FROM events`).toEqual([
    { jobId: body.job.id, seq: 1, type: 'job.queued' },
  ])
  expect(await world.app.queue.visible('bulk')).toBe(1)
})

test('large batches leave connections to others, and go on one after the other', async ({ world }) => {
  const { post } = await submitter(world)
  const large = { jobs: Array.from({ length: 1_000 }, () => serials()) }
  const other = createPool({ ...world.app.config.database, maxConnections: 2, applicationName: 'other' })
  try {
    const posted = await other.begin(async (tx) => {
      await tx`LOCK TABLE jobs IN SHARE MODE`
      const batches = Array.from({ length: 6 }, (_, nth) =>
        post('/jobs/batch', large, nth % 2 === 0 ? {} : { 'idempotency-key': `${nth}` }),
      )
      const all = [...batches, post('/jobs', serials())]
      const atOnce = Math.min(availableParallelism(), world.app.config.database.maxConnections / 2)
      await untilWaiting(other, atOnce + 1)
      return all
    })
    expect((await Promise.all(posted)).map(({ status }) => status)).toEqual(Array(7).fill(202))
  } finally {
    await other.end()
  }
  expect((await world.sql`SELECT FROM jobs`).length).toBe(6_001)
})

describe('idempotency keys', () => {
  test('the same key and body give the same job, whatever the order of the fields', async ({ world }) => {
    const { post } = await submitter(world)
    const headers = { 'idempotency-key': 'order-7' }
    const first = await post('/jobs', serials({ name: 'a', priority: 1 }), headers)
    const again = await post('/jobs', { priority: 1, name: 'a', ...serials() }, headers)
    expect(first.status).toBe(202)
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.body.job.id).toBe(first.body.job.id)
    expect((await world.sql`SELECT FROM jobs`).length).toBe(1)
  })

  test('the key with another body is refused; another project may use the same key', async ({ world }) => {
    const a = await submitter(world)
    const b = await submitter(world)
    const headers = { 'idempotency-key': 'order-7' }
    await a.post('/jobs', serials(), headers)
    const other = await a.post('/jobs', serials({ priority: 3 }), headers)
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED'])
    expect((await b.post('/jobs', serials({ priority: 3 }), headers)).status).toBe(202)
  })

  test('ten at once with one idempotency key make one job', async ({ world }) => {
    const { post } = await submitter(world)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post('/jobs', serials(), { 'idempotency-key': 'k' })),
    )
    expect(new Set(answers.map((it) => it.body.job.id)).size).toBe(1)
    expect((await world.sql`SELECT FROM jobs`).length).toBe(1)
  })

  test('a key is kept for 24 h, and may then be used again', async ({ world }) => {
    const { post } = await submitter(world)
    const first = await post('/jobs', serials(), { 'idempotency-key': 'k' })
    const age = (minutes: number) =>
      world.sql`UPDATE idempotency_keys SET expires_at = expires_at - ${minutes} * interval '1 minute'`
    await age(23 * 60 + 50)
    expect((await post('/jobs', serials(), { 'idempotency-key': 'k' })).body.job.id).toBe(first.body.job.id)
    await age(10)
    const later = await post('/jobs', serials({ priority: 9 }), { 'idempotency-key': 'k' })
    expect(later.status).toBe(202)
    expect(later.body.job.id).not.toBe(first.body.job.id)
  })

  test('of a batch: one key for the whole, or a key for each job', async ({ world }) => {
    const { post } = await submitter(world)
    const body = { jobs: [serials({ name: 'x' }), serials({ name: 'y' })] }
    const first = await post('/jobs/batch', body, { 'idempotency-key': 'b' })
    const again = await post('/jobs/batch', body, { 'idempotency-key': 'b' })
    expect(again.body.ids).toEqual(first.body.ids)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const single = { jobs: [serials({ idempotencyKey: 'one' }), serials({ idempotencyKey: 'two' })] }
    const made = await post('/jobs/batch', single)
    const mixed = await post('/jobs/batch', {
      jobs: [serials({ idempotencyKey: 'two' }), serials({ idempotencyKey: 'three' })],
    })
    expect(mixed.body.ids[0]).toBe(made.body.ids[1])
    expect((await world.sql`SELECT FROM jobs`).length).toBe(5)
  })
})

describe('idempotency keys of batches', () => {
  test('never meet those of single jobs, and may have the same characters', async ({ world }) => {
    const { post } = await submitter(world)
    await post('/jobs/batch', { jobs: [serials()] }, { 'idempotency-key': 'b' })
    for (const key of ['b#0', 'b', 'b0']) {
      const other = await post('/jobs', serials({ name: key }), { 'idempotency-key': key })
      expect([other.status, other.headers['idempotency-replayed']]).toEqual([202, undefined])
    }
    const own = await post('/jobs/batch', { jobs: [serials({ name: 'own', idempotencyKey: 'c#0' })] })
    const whole = await post('/jobs/batch', { jobs: [serials({ name: 'whole' })] }, { 'idempotency-key': 'c' })
    expect([own.status, whole.status]).toEqual([202, 202])
    for (const idempotencyKey of ['b 0', 'é', '', 'x'.repeat(201)]) {
      const { status, body } = await post('/jobs/batch', { jobs: [serials({ idempotencyKey })] })
      expect([status, body.errors?.[0]?.path]).toEqual([422, 'jobs[0].idempotencyKey'])
    }
  })
})

describe('unique keys', () => {
  test('a second job with the key is answered with the first until that has ended; then the key is free', async ({
    world,
  }) => {
    const { post } = await submitter(world)
    const first = await post('/jobs', serials({ uniqueKey: 'nightly' }))
    const second = await post('/jobs', serials({ uniqueKey: 'nightly', priority: 5 }))
    expect(second.headers['stint-duplicate']).toBe('true')
    expect(second.body.job.id).toBe(first.body.job.id)
    await endAs(world, [first.body.job.id], 'returned')
    const third = await post('/jobs', serials({ uniqueKey: 'nightly' }))
    expect(third.body.job.id).not.toBe(first.body.job.id)
  })

  test('uniqueForSeconds keeps the key after the job has ended', async ({ world }) => {
    const { post } = await submitter(world)
    const first = await post('/jobs', serials({ uniqueKey: 'k', uniqueForSeconds: 600 }))
    await endAs(world, [first.body.job.id], 'returned')
    expect((await post('/jobs', serials({ uniqueKey: 'k' }))).body.job.id).toBe(first.body.job.id)
    await world.sql`UPDATE unique_keys SET until = now() - interval '1 second'`
    expect((await post('/jobs', serials({ uniqueKey: 'k' }))).body.job.id).not.toBe(first.body.job.id)
  })

  test('`replace` replaces a queued job, and not a running one', async ({ world }) => {
    const { post } = await submitter(world)
    const first = await post('/jobs', serials({ uniqueKey: 'k' }))
    const second = await post('/jobs', serials({ uniqueKey: 'k', onDuplicate: 'replace' }))
    expect(second.body.job.id).not.toBe(first.body.job.id)
    expect(await jobs.find(world.sql, first.body.job.id)).toMatchObject({
      state: 'cancelled',
      error: { code: 'REPLACED' },
    })
    await world.sql`UPDATE jobs SET state = 'running', stint = 1 WHERE id = ${second.body.job.id}`
    const third = await post('/jobs', serials({ uniqueKey: 'k', onDuplicate: 'replace' }))
    expect(third.body.job.id).toBe(second.body.job.id)
  })

  test('a batch replaces jobs that are queued, and is answered with those that run', async ({ world }) => {
    const { post } = await submitter(world)
    const batch = (over: object = {}) =>
      post('/jobs/batch', { jobs: ['a', 'b', 'c'].map((uniqueKey) => serials({ uniqueKey, ...over })) })
    const [a, b, c] = (await batch()).body.ids
    await world.sql`UPDATE jobs SET state = 'running', stint = 1 WHERE id = ${b}`
    const { ids } = (await batch({ onDuplicate: 'replace' })).body
    expect(ids[1]).toBe(b)
    expect([await state(world, a), await state(world, c)]).toEqual(['cancelled', 'cancelled'])
    expect([await state(world, ids[0]), await state(world, ids[2])]).toEqual(['queued', 'queued'])
  })

  test('of several that replace each other at the same moment, the last one becomes the job', async ({ world }) => {
    const { post } = await submitter(world)
    const one = (priority: number, over: object = {}) => serials({ uniqueKey: 'k', priority, ...over })
    const replacing = { onDuplicate: 'replace' }
    const live = () => world.sql`SELECT id, priority FROM jobs WHERE state <> 'cancelled'`

    const both = await post('/jobs/batch', { jobs: [one(1), one(2, replacing), one(3)] })
    const [id] = both.body.ids
    expect(both.body.ids).toEqual([id, id, id])
    expect(await live()).toEqual([{ id, priority: 2 }])

    const answers = await Promise.all([4, 5, 6].map((priority) => post('/jobs', one(priority, replacing))))
    expect(await live()).toEqual([{ id: answers[2]?.body.job.id, priority: 6 }])
    expect(answers[2]?.headers['stint-duplicate']).toBeUndefined()
  })

  test('a job that runs after the sibling it would replace does not come to wait for itself', async ({ world }) => {
    const { post } = await submitter(world)
    const { body } = await post('/jobs/batch', {
      jobs: [
        serials({ name: 'a', uniqueKey: 'k' }),
        serials({ name: 'b', after: ['$a'] }),
        serials({ uniqueKey: 'k', onDuplicate: 'replace', after: ['$b'] }),
      ],
    })
    const [a, b, again] = body.ids
    expect(again).toBe(a)
    expect([await state(world, a), await state(world, b)]).toEqual(['queued', 'blocked'])
  })

  test('twenty at once with one unique key make one job', async ({ world }) => {
    const { post } = await submitter(world)
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/jobs', serials({ uniqueKey: 'k' }))))
    expect(new Set(answers.map((it) => it.body.job.id)).size).toBe(1)
    expect((await world.sql`SELECT FROM jobs WHERE state <> 'cancelled'`).length).toBe(1)
  })

  test('a request that was answered with the holder of its unique key is answered with it again', async ({ world }) => {
    const { post } = await submitter(world)
    const holder = await post('/jobs', serials({ uniqueKey: 'k' }))
    const both = await post('/jobs', serials({ uniqueKey: 'k' }), { 'idempotency-key': 'i' })
    const replay = await post('/jobs', serials({ uniqueKey: 'k' }), { 'idempotency-key': 'i' })
    expect([both.body.job.id, replay.body.job.id]).toEqual([holder.body.job.id, holder.body.job.id])
  })

  test('requests with one idempotency key are all answered with the holder of their unique key, at once and later', async ({
    world,
  }) => {
    const { post } = await submitter(world)
    const job = serials({ uniqueKey: 'u' })
    const holder = (await post('/jobs', job)).body.job.id
    const one = { 'idempotency-key': 'one' }
    const gathered = await Promise.all(Array.from({ length: 5 }, () => post('/jobs', job, one)))
    const later = await post('/jobs', job, one)
    expect([...gathered, later].map((it) => it.body.job?.id)).toEqual(Array(6).fill(holder))
    const each = { ...job, idempotencyKey: 'each' }
    const batches = [await post('/jobs/batch', { jobs: [each, each] }), await post('/jobs/batch', { jobs: [each] })]
    expect(batches.flatMap((it) => it.body.ids)).toEqual(Array(3).fill(holder))
    expect(await world.sql`SELECT FROM jobs`).toHaveLength(1)
  })
})

describe('dependencies', () => {
  test('a chord: the child waits for all of its parents, by name and by id', async ({ world }) => {
    const { post } = await submitter(world)
    const before = await post('/jobs', serials({ name: 'before' }))
    const batch = await post('/jobs/batch', {
      jobs: [
        serials({ name: 'a' }),
        serials({ name: 'b', after: ['$a'] }),
        serials({ name: 'join', after: ['$a', '$b', before.body.job.id] }),
      ],
    })
    const [a, b, join] = batch.body.ids
    expect([await state(world, a), await state(world, b), await state(world, join)]).toEqual([
      'queued',
      'blocked',
      'blocked',
    ])
    await endAs(world, [a], 'returned')
    expect([await state(world, b), await state(world, join)]).toEqual(['queued', 'blocked'])
    await endAs(world, [b], 'returned')
    expect(await state(world, join)).toBe('blocked')
    await endAs(world, [before.body.job.id], 'returned')
    expect(await state(world, join)).toBe('queued')
    // It comes after those that were due before it was.
    const [row] = await world.sql`SELECT start_at > queued_at AS anew FROM jobs WHERE id = ${join}`
    expect(row).toEqual({ anew: true })
  })

  test.for([
    ['fail', 'failed'],
    ['skip', 'cancelled'],
    ['run', 'queued'],
  ] as const)(
    'a parent that failed with onParentFailure %s leaves the child %s, and so on down, each naming the one before it',
    async ([onParentFailure, expected], { world }) => {
      const { post } = await submitter(world)
      const { body } = await post('/jobs/batch', {
        jobs: [
          serials({ name: 'p' }),
          serials({ name: 'c', after: ['$p'], onParentFailure }),
          serials({ name: 'g', after: ['$c'] }),
        ],
      })
      const [p, c, g] = body.ids
      await endAs(world, [p], 'refused')
      const child = await jobs.find(world.sql, c)
      expect(child?.state).toBe(expected)
      const because = (id: string) => ({
        code: 'PARENT_FAILED',
        message: `the job ${id} that it runs after did not succeed`,
      })
      expect(child?.error).toEqual(expected === 'queued' ? null : because(p))
      expect(await jobs.find(world.sql, g)).toMatchObject(
        expected === 'queued' ? { state: 'blocked', error: null } : { state: 'failed', error: because(c) },
      )
    },
  )

  test('a parent that ended before its child was submitted counts at once', async ({ world }) => {
    const { post } = await submitter(world)
    const [done, broken] = (await post('/jobs/batch', { jobs: [serials(), serials()] })).body.ids
    await endAs(world, [done], 'returned')
    await endAs(world, [broken], 'refused')
    expect((await post('/jobs', serials({ after: [done] }))).body.job.state).toBe('queued')
    expect((await post('/jobs', serials({ after: [done, broken] }))).body.job).toMatchObject({
      state: 'failed',
      error: { code: 'PARENT_FAILED', message: `the job ${broken} that it runs after did not succeed` },
    })
  })

  test('a cancelled parent counts as failed', async ({ world }) => {
    const { post } = await submitter(world)
    const parent = (await post('/jobs', serials())).body.job.id
    const child = (await post('/jobs', serials({ after: [parent] }))).body.job.id
    await post(`/jobs/${parent}/cancel`, undefined)
    expect(await state(world, child)).toBe('failed')
  })

  test('parents of other projects, unknown siblings, double names and circles are refused by name, and nothing is stored', async ({
    world,
  }) => {
    const mine = await submitter(world)
    const theirs = await submitter(world)
    const foreign = (await theirs.post('/jobs', serials())).body.job.id
    const refused = async (body: object) => (await mine.post('/jobs/batch', body)).body.errors?.[0]?.path
    expect((await mine.post('/jobs', serials({ after: [foreign] }))).body.errors[0].path).toBe('after[0]')
    expect(await refused({ jobs: [serials({ after: ['$nobody'] })] })).toBe('jobs[0].after[0]')
    expect(await refused({ jobs: [serials({ name: 'n' }), serials({ name: 'n' }), serials({ after: ['$n'] })] })).toBe(
      'jobs[2].after[0]',
    )
    expect(
      await refused({ jobs: [serials({ name: 'x', after: ['$y'] }), serials({ name: 'y', after: ['$x'] })] }),
    ).toBe('jobs[0].after')
    expect((await world.sql`SELECT FROM jobs WHERE project_id = ${mine.projectId}`).length).toBe(0)
  })

  test('a job that would wait for itself, because a sibling has its unique key, is refused', async ({ world }) => {
    const { post } = await submitter(world)
    const refused = async (...jobs: object[]) => (await post('/jobs/batch', { jobs })).body.errors?.[0]?.path
    const [a, b] = [serials({ name: 'a', uniqueKey: 'k' }), serials({ name: 'b', uniqueKey: 'k' })]
    expect(await refused({ ...a, after: ['$b'] }, b)).toBe('jobs[0].after')
    expect(await refused(b, serials({ name: 'c', after: ['$a'] }), { ...a, after: ['$b'] })).toBeUndefined()
    expect(
      await refused({ ...a, after: ['$c'], uniqueKey: 'l' }, serials({ name: 'c', after: ['$b'] }), {
        ...b,
        uniqueKey: 'l',
      }),
    ).toBe('jobs[0].after')
    expect(await world.sql`SELECT FROM jobs WHERE unique_key = 'l'`).toHaveLength(0)
  })

  test('a job may run after 10 000 others', async ({ world }) => {
    const { post } = await submitter(world)
    const parents = Array.from({ length: 9_999 }, () => serials())
    const { ids: first } = (await post('/jobs/batch', { jobs: parents })).body
    const { ids: last } = (await post('/jobs/batch', { jobs: [serials()] })).body
    const all = [...first, ...last]
    const child = (await post('/jobs', serials({ after: all }))).body.job.id
    expect(await state(world, child)).toBe('blocked')
    for (let i = 0; i < all.length; i += 1_000) {
      expect(await state(world, child)).toBe('blocked')
      await endAs(world, all.slice(i, i + 1_000), 'returned')
    }
    expect(await state(world, child)).toBe('queued')
  })

  test('when many processes end the parents at once, the child comes free once', async ({ world }) => {
    const { post } = await submitter(world)
    const { ids } = (await post('/jobs/batch', { jobs: Array.from({ length: 40 }, () => serials()) })).body
    const child = (await post('/jobs', serials({ after: ids }))).body.job.id
    await Promise.all(ids.map((id: string) => endAs(world, [id], 'returned')))
    expect(await state(world, child)).toBe('queued')
    const told = await world.sql`SELECT type FROM events WHERE job_id = ${child} ORDER BY seq`
    expect(told.map((it) => it['type'])).toEqual(['job.blocked', 'job.queued'])
  })
})

test('an input is refused that PostgreSQL would write many times as long', async ({ world }) => {
  const { post } = await submitter(world)
  const noop = (echo: number[]) => post('/jobs', { kind: 'debug.noop', input: { echo } })
  expect((await noop(Array(3_000).fill(1e-300))).status).toBe(202)
  const refused = await noop(Array(4_000).fill(1e-300))
  expect(refused.status).toBe(422)
  expect(refused.body.errors).toEqual([
    { path: 'input', message: 'may have 1048576 bytes of JSON with its numbers written out, without exponents' },
  ])
})

test('concurrent single submissions share inserts, and one that fails costs the others nothing', async ({ world }) => {
  const { post } = await submitter(world)
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      i === 30 ? post('/jobs', serials({ after: ['01a205db-6136-7390-b988-dbf0a5967f56'] })) : post('/jobs', serials()),
    ),
  )
  expect(answers.filter((it) => it.status === 202)).toHaveLength(59)
  expect(answers[30]?.status).toBe(422)
  expect((await world.sql`SELECT FROM jobs`).length).toBe(59)
  const transactions = await world.sql`SELECT count(DISTINCT queued_at)::integer AS n FROM jobs`
  expect(transactions[0]?.['n']).toBeLessThan(59)
})

test('when SQS is away a submission is accepted all the same, and the sweep rings later', async ({ world }) => {
  const { post } = await submitter(world)
  const { ring } = world.app.queue
  world.app.queue.ring = () => Promise.reject(new Error('SQS is away'))
  const answer = await post('/jobs', serials())
  world.app.queue.ring = ring
  expect(answer.status).toBe(202)
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds'`
  await world.sweep()
  expect(await world.app.queue.visible('bulk')).toBe(1)
})

test('an SQS that gives no answer keeps nobody waiting for one, and is told of when it fails', async ({ world }) => {
  const { post } = await submitter(world)
  const silence = Promise.withResolvers<void>()
  world.app.queue.ring = () => silence.promise
  expect((await post('/jobs', serials())).status).toBe(202)
  silence.reject(new Error('SQS gave no answer'))
  await expect.poll(() => world.logged.join('')).toContain('could not ring; the sweep will')
})
