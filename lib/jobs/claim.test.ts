import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, echo, insertJobs, invoke } from '../../tests/support/engine.ts'
import { insertLimited, limitedKind } from '../../tests/support/limited-kind.ts'
import { test } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import type { Ring } from '../queue/doorbells.ts'
import { claim } from './claim.ts'
import type { ClaimWish } from './claim-wish.ts'
import { defineJob, type JobKind, type Limits } from './define.ts'
import { execute } from './execute.ts'
import { sweep } from './sweep.ts'

const wish = (limits: Limits<{ host: string }>, over: Partial<ClaimWish> = {}): ClaimWish => ({
  queue: 'default',
  limit: 100,
  free: [{ kind: limitedKind(limits), slots: 100 }],
  suspects: 'never',
  ...over,
})
const hostsOf = (claimed: { input: unknown }[]) => claimed.map((job) => (job.input as { host: string }).host)

test('no more jobs of a kind run than its limit, over all processes that claim at once', async ({ world }) => {
  await insertLimited(
    world.app,
    Array.from({ length: 30 }, () => 'a'),
  )
  const claimers = await Promise.all(Array.from({ length: 6 }, () => claim(world.app, wish({ running: 7 }))))
  expect(claimers.flat()).toHaveLength(7)
})

test('no more jobs of a key run than its limit, and a full key blocks no other', async ({ world }) => {
  await insertLimited(world.app, [...Array.from({ length: 20 }, () => 'slow.example'), 'b.example', 'c.example'])
  const claimers = await Promise.all(Array.from({ length: 4 }, () => claim(world.app, wish({ runningPerKey: 2 }))))
  expect(hostsOf(claimers.flat()).sort()).toEqual(['b.example', 'c.example', 'slow.example', 'slow.example'])
})

test('keys take turns when the kind’s limit is smaller than their number', async ({ world }) => {
  await insertLimited(world.app, ['a', 'a', 'b', 'b', 'c', 'c'])
  const one = wish({ runningPerKey: 2, running: 100 }, { limit: 1 })
  const turns: string[][] = []
  for (let nth = 0; nth < 7; nth++) turns.push(hostsOf(await claim(world.app, one)))
  expect(turns).toEqual([['a'], ['b'], ['c'], ['a'], ['b'], ['c'], []])
})

test('a rate allows its starts and no more, rings for the next, and refills with time, up to as many', async ({
  world,
}) => {
  await insertLimited(world.app, ['a', 'a', 'a', 'a', 'a'])
  const rated = wish({ rate: { starts: 2, perSeconds: 600 } })
  const rings: Ring[] = []
  const app = { ...world.app, queue: { ...world.app.queue, ring: async (it: Ring[]) => void rings.push(...it) } }
  expect(await claim(app, rated)).toHaveLength(2)
  expect(await claim(app, rated)).toHaveLength(0)
  const [ring, ...others] = rings
  expect([ring, others]).toEqual([{ queue: 'default', n: 1, delaySeconds: expect.any(Number) }, []])
  // Of the five minutes some has gone by.
  expect(ring?.delaySeconds).toBeLessThanOrEqual(300)
  expect(ring?.delaySeconds).toBeGreaterThan(200)
  await world.sql`UPDATE limits SET refilled_at = refilled_at - interval '300 seconds'`
  expect(await claim(app, rated)).toHaveLength(1)
  await insertLimited(world.app, ['a', 'a', 'a'])
  await world.sql`UPDATE limits SET refilled_at = refilled_at - interval '1 hour'`
  expect(await claim(app, rated)).toHaveLength(2)
})

test('a clock that is put back takes no starts from a rate', async ({ world }) => {
  await insertLimited(world.app, ['a', 'a', 'a', 'a'])
  const rated = wish({ rate: { starts: 2, perSeconds: 600 } })
  expect(await claim(world.app, rated)).toHaveLength(2)
  await world.sql`UPDATE limits SET refilled_at = refilled_at + interval '1 hour'`
  expect(await claim(world.app, rated)).toHaveLength(0)
  await world.sql`UPDATE limits SET refilled_at = refilled_at - interval '300 seconds'`
  expect(await claim(world.app, rated)).toHaveLength(1)
})

test('the end of a limited job rings for the next one', async ({ world }) => {
  const ids = await insertLimited(world.app, ['a', 'a'])
  const engine = createEngine(world.app, [limitedKind({ running: 1 })])
  await invoke(engine, { budget: 1 })
  expect(await world.app.queue.visible('default')).toBe(1)
  await invoke(engine, { budget: 1 })
  for (const id of ids) expect((await jobs.find(world.sql, id))?.state).toBe('succeeded')
})

const drain = async ({ queue }: App): Promise<number> => {
  const messages = await queue.receive('default', { max: 10, waitSeconds: 0 })
  await queue.delete(
    'default',
    messages.map((it) => it.receiptHandle),
  )
  return messages.length
}

test('a lost doorbell of a limited kind is rung again by the sweep, and each 10 s while one of its jobs runs', async ({
  world,
}) => {
  await insertLimited(world.app, ['a', 'b'])
  await world.sql`UPDATE jobs SET start_at = now() - interval '5 seconds'`
  await sweep(world.app)
  await sweep(world.app)
  expect(await drain(world.app)).toBe(1)
  await claim(world.app, wish({ running: 1 }))
  const rung: number[] = []
  for (const seconds of [0, 5, 4, 2, 5]) {
    world.advance(seconds)
    await sweep(world.app)
    rung.push(await drain(world.app))
  }
  expect(rung).toEqual([1, 0, 0, 1, 0])
  world.advance(-600)
  await sweep(world.app)
  expect(await drain(world.app)).toBe(1)
})

test('an overdue job of a limited kind is found behind a thousand delayed ones of other keys', async ({ world }) => {
  await insertLimited(
    world.app,
    Array.from({ length: 1_100 }, () => 'a'),
  )
  await world.sql`UPDATE jobs SET start_at = now() + interval '1 hour'`
  const [id = ''] = await insertLimited(world.app, ['b'])
  await world.sql`UPDATE jobs SET start_at = now() - interval '5 seconds' WHERE id = ${id}`
  await sweep(world.app)
  expect(await drain(world.app)).toBe(1)
})

test('a thousand due jobs of a limited kind are found behind more keys of delayed ones than a claim goes through', async ({
  world: { app, sql },
}) => {
  const [id = ''] = await insertLimited(app, ['b'])
  await sql`
    INSERT INTO jobs (id, project_id, kind, queue, input, state, max_attempts, timeout_seconds, start_at, concurrency_key)
    SELECT gen_random_uuid(), project_id, kind, queue, input, state, max_attempts, timeout_seconds, due.start_at, due.key
    FROM jobs, (
      SELECT now() + interval '1 day', 'a' || n FROM generate_series(1, 10001) AS n
      UNION ALL
      SELECT now(), 'b' FROM generate_series(1, 1000)
    ) AS due (start_at, key)
    WHERE id = ${id}`
  expect(await claim(app, wish({ runningPerKey: 2 }))).toHaveLength(2)
  expect(await claim(app, wish({ runningPerKey: 2 }))).toHaveLength(0)
})

test('a limited job whose delay was too long for SQS is rung for when it falls due, though others run', async ({
  world,
}) => {
  await insertLimited(world.app, ['a'])
  await claim(world.app, wish({ running: 2 }))
  const [far = ''] = await insertLimited(world.app, ['b'])
  await world.sql`UPDATE jobs SET start_at = now(), queued_at = now() - interval '1 hour' WHERE id = ${far}`
  await sweep(world.app)
  await sweep(world.app)
  expect(await drain(world.app)).toBe(1)
})

test('claimers at once take each job once, and wait for nobody’s locks', async ({ world }) => {
  const others = await Promise.all(Array.from({ length: 3 }, () => world.anotherApp()))
  const free = [{ kind: echo, slots: 500 }]
  const take = (app: App, limit: number) => claim(app, { queue: 'default', limit, free, suspects: 'never' })
  const ids = await insertJobs(
    world.app,
    Array.from({ length: 300 }, () => ({})),
  )
  await world.sql.begin(async (tx) => {
    const locked = await tx<{ id: string }[]>`SELECT id FROM jobs ORDER BY start_at, id LIMIT 20 FOR UPDATE`
    const claimed = await take(world.app, 30)
    expect(claimed).toHaveLength(30)
    expect(claimed.filter((job) => locked.some(({ id }) => id === job.id))).toEqual([])
    await world.sql`UPDATE jobs SET state = 'queued', stint = 0 WHERE state = 'running'`
  })
  const rounds = Array.from({ length: 10 }, () => Promise.all(others.map((app) => take(app, 30))))
  const claimed = (await Promise.all(rounds)).flat(2)
  expect(claimed.map((job) => job.id).toSorted()).toEqual(ids.toSorted())
  expect(claimed.every((job) => job.stint === 1)).toBe(true)
})

test('a rate is kept by all processes that claim at once', async ({ world }) => {
  await insertLimited(
    world.app,
    Array.from({ length: 30 }, (_, nth) => `${nth}`),
  )
  const rated = wish({ rate: { starts: 7, perSeconds: 600 } })
  const claimed = await Promise.all(Array.from({ length: 6 }, () => claim(world.app, rated)))
  expect(claimed.flat()).toHaveLength(7)
})

test('jobs with limits go first where some were due at the last look, and after the others where none were', async ({
  world,
}) => {
  const both = wish(
    { running: 10 },
    {
      limit: 2,
      free: [
        { kind: limitedKind({ running: 10 }), slots: 2 },
        { kind: echo, slots: 2 },
      ],
    },
  )
  const kindsOf = (claimed: { kind: string }[]) => claimed.map(({ kind }) => kind)
  expect(await claim(world.app, both)).toEqual([])
  await insertLimited(world.app, ['a', 'b', 'c', 'd'])
  await insertJobs(world.app, [{}])
  expect(kindsOf(await claim(world.app, both))).toEqual(['test.echo', 'test.limited'])
  await insertJobs(world.app, [{}])
  expect(kindsOf(await claim(world.app, both))).toEqual(['test.limited', 'test.limited'])
  expect(kindsOf(await claim(world.app, both))).toEqual(['test.limited', 'test.echo'])
})

test('jobs that were claimed run although those with limits could not be claimed', async ({ world }) => {
  const free = [
    { kind: limitedKind({ running: 10 }), slots: 9 },
    { kind: echo, slots: 9 },
  ]
  expect(await claim(world.app, wish({}, { free }))).toEqual([])
  await insertLimited(world.app, ['a'])
  const [id] = await insertJobs(world.app, [{}])
  await world.sql`ALTER TABLE limits RENAME TO limits_away`
  expect(await claim(world.app, wish({}, { free }))).toMatchObject([{ id, kind: 'test.echo' }])
  await world.sql`ALTER TABLE limits_away RENAME TO limits`
  expect(await claim(world.app, wish({}, { free }))).toMatchObject([{ kind: 'test.limited' }])
})

test('a claimer that stands still within a claim of a kind with limits holds up no other kind', async ({ world }) => {
  let now = Date.now()
  const app = { ...world.app, clock: { now: () => now } }
  const free = [
    { kind: limitedKind({ running: 10 }), slots: 9 },
    { kind: echo, slots: 9 },
  ]
  const [limited] = await insertLimited(world.app, ['a'])
  await world.sql`INSERT INTO limits (kind, tokens) VALUES ('test.limited', 0)`
  const [first, second] = await insertJobs(world.app, [{}, {}])
  const take = (over: Partial<ClaimWish> = {}) => claim(app, wish({}, { free, ...over }))
  await world.sql.begin(async (tx) => {
    await tx`SELECT FROM set_config('idle_in_transaction_session_timeout', '0', true)`
    await tx`SELECT FROM limits FOR UPDATE`
    expect(await take({ limit: 1 })).toMatchObject([{ id: first }])
    expect(await take({ limit: 1 })).toMatchObject([{ id: second }])
    // The second claim did not wait for it again.
    expect(world.logged.filter((line) => line.includes('stands still'))).toHaveLength(1)
  })
  expect(await take()).toEqual([])
  now += 10_000
  expect(await take()).toMatchObject([{ id: limited }])
})

test('a suspect of a kind with limits is claimed alone, in its turn', async ({ world: { app, sql } }) => {
  const [first, suspect = '', last] = await insertLimited(app, ['a', 'a', 'a'])
  await sql`UPDATE jobs SET crashes = 2 WHERE id = ${suspect}`
  expect(await claim(app, wish({ running: 10 }, { suspects: 'either' }))).toMatchObject([{ id: suspect }])
  expect(await claim(app, wish({ running: 10 }, { suspects: 'either' }))).toMatchObject([{ id: first }, { id: last }])
})

test('a paused queue gives no job, limited or not', async ({ world }) => {
  await insertLimited(world.app, ['a'])
  await insertJobs(world.app, [{}])
  await world.sql`UPDATE queues SET paused_at = now()`
  await invoke(createEngine(world.app, [limitedKind({ running: 1 })]))
  await invoke(createEngine(world.app))
  expect(await world.sql`SELECT DISTINCT state FROM jobs`).toMatchObject([{ state: 'queued' }])
})

test('a job is given the results of its parents', async ({ world }) => {
  const seen: unknown[] = []
  const reader = defineJob({
    kind: 'test.reader',
    summary: 'Reads its parents',
    input: z.object({}),
    output: z.null(),
    async *run({ parents }) {
      seen.push(...parents)
      return null
    },
  })
  const [parent = ''] = await insertJobs(world.app, [{ name: 'first', hasChildren: true }])
  const [child = ''] = await insertJobs(world.app, [
    { kind: 'test.reader', input: '{}', waitsFor: 1, hasParents: true },
  ])
  await world.sql`INSERT INTO job_dependencies (child_id, parent_id) VALUES (${child}, ${parent})`
  const { testKinds } = await import('../../tests/support/engine.ts')
  await invoke(createEngine(world.app, [...testKinds, reader]))
  await invoke(createEngine(world.app, [...testKinds, reader]))
  expect(seen).toEqual([{ jobId: parent, name: 'first', kind: 'test.echo', state: 'succeeded', result: { value: 1 } }])
})

test('a checkpoint of an earlier version is migrated', async ({ world }) => {
  const seen: unknown[] = []
  const kind = defineJob({
    kind: 'test.moved',
    summary: 'Changed its checkpoint',
    input: z.object({}),
    output: z.null(),
    checkpoint: z.object({ page: z.int() }),
    checkpointVersion: 2,
    migrateCheckpoint: (old, version) =>
      version === 1 ? { page: (old as { offset: number }).offset / 10 } : undefined,
    async *run({ checkpoint }) {
      seen.push(checkpoint)
      return null
    },
  })
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.moved', input: '{}' }])
  await world.sql`UPDATE jobs SET checkpoint = '{"offset":30}', checkpoint_version = 1 WHERE id = ${id}`
  await invoke(createEngine(world.app, [kind]))
  expect(seen).toEqual([{ page: 3 }])
})

test('a doorbell for a rate is rung once, however often it is met', async ({ world }) => {
  await insertLimited(world.app, ['a', 'a', 'a'])
  const rated = wish({ rate: { starts: 1, perSeconds: 600 } })
  const rings: unknown[] = []
  const app = { ...world.app, queue: { ...world.app.queue, ring: async (it: unknown[]) => void rings.push(...it) } }
  expect(await claim(app, rated)).toHaveLength(1)
  for (let n = 0; n < 5; n++) expect(await claim(app, rated)).toHaveLength(0)
  expect(rings).toHaveLength(1)
  // Nobody knows how long ago that was.
  world.advance(-600)
  await claim(app, rated)
  expect(rings).toHaveLength(2)
})

const noted = (kind: string, over: Partial<JobKind> = {}): JobKind =>
  defineJob({
    kind,
    summary: 'Does nothing',
    input: z.object({}),
    output: z.null(),
    async *run() {
      return null
    },
    ...over,
  } as Parameters<typeof defineJob>[0])

test('jobs of a kind with limits run although those of the next kind could not be claimed', async ({ world }) => {
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.a', input: '{}', concurrencyKey: '' }])
  await insertJobs(world.app, [{ kind: 'test.b', input: '{}', concurrencyKey: '' }])
  await world.sql`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS ${world.sql.unsafe(
    "$$ BEGIN RAISE EXCEPTION 'cancelled' USING ERRCODE = '57014'; END $$",
  )}`
  await world.sql`
    CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.kind = 'test.b') EXECUTE FUNCTION refuse()`
  await invoke(createEngine(world.app, [noted('test.a', { limits: {} }), noted('test.b', { limits: {} })]))
  expect(await jobs.find(world.sql, id)).toMatchObject({ state: 'succeeded' })
})

test('jobs that wait while a deploy changes their kind start as they were submitted', async ({ world: { app } }) => {
  const [limited = '', freed = '', moved = ''] = await insertJobs(app, [
    { kind: 'test.limited', input: '{}' },
    { kind: 'test.freed', input: '{}', concurrencyKey: 'it had limits' },
    { kind: 'test.moved', input: '{}', queue: 'bulk' },
  ])
  const engine = createEngine(app, [
    noted('test.limited', { limits: { running: 1 } }),
    noted('test.freed'),
    noted('test.moved'),
  ])
  await invoke(engine)
  expect(await jobs.find(app.sql, limited)).toMatchObject({ state: 'succeeded' })
  expect(await jobs.find(app.sql, freed)).toMatchObject({ state: 'succeeded' })
  await execute(engine, { queue: 'bulk', budget: 1, remainingMs: () => 30_000 })
  expect(await jobs.find(app.sql, moved)).toMatchObject({ state: 'succeeded' })
})

test('jobs with limits that wait while a deploy moves their kind to another queue are rung for there', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.moved', input: '{}', queue: 'bulk', concurrencyKey: '' }])
  await app.sql`UPDATE jobs SET start_at = now() - interval '3 seconds'`
  const kinds = [noted('test.moved', { limits: { running: 1 } })]
  await sweep(app, kinds)
  expect([await app.queue.visible('default'), await app.queue.visible('bulk')]).toEqual([1, 0])
  await invoke(createEngine(app, kinds))
  expect(await jobs.find(app.sql, id)).toMatchObject({ state: 'succeeded' })
})

test('a claim of one job looks for jobs of kinds with limits if there are no others, and four times a second anyway', async ({
  world,
}) => {
  let now = Date.now()
  const app = { ...world.app, clock: { now: () => now } }
  const free = [
    { kind: echo, slots: 10 },
    { kind: limitedKind({}), slots: 10 },
  ]
  const kindsOf = async () => (await claim(app, wish({}, { limit: 1, free }))).map((job) => job.kind)
  expect(await kindsOf()).toEqual([])
  await insertLimited(app, ['a'])
  expect(await kindsOf()).toEqual(['test.limited'])

  await insertJobs(app, [{}, {}, {}])
  expect(await kindsOf()).toEqual(['test.echo'])
  await insertLimited(app, ['a'])
  expect(await kindsOf()).toEqual(['test.echo'])
  now += 250
  // The look and the claim are taken at once, and the claim was first.
  expect(await kindsOf()).toEqual(['test.echo'])
  expect(await kindsOf()).toEqual(['test.limited'])
})

test('a claim that finds only what others are taking looks once more, and finds what came meanwhile', async ({
  world,
}) => {
  await insertJobs(world.app, [{}])
  const free = [{ kind: echo, slots: 10 }]
  const later: string[] = []
  // Each claim's answer comes late, and a job was submitted before it came.
  const sql = new Proxy(world.sql, {
    apply: (target, self, args) => {
      const query = Reflect.apply(target, self, args)
      if (!String(args[0]).includes('WITH RECURSIVE')) return query
      return query.then(async (rows: unknown) => {
        later.push(...(await insertJobs(world.app, [{}])))
        return rows
      })
    },
  })
  const one: ClaimWish = { queue: 'default', limit: 1, free, suspects: 'never' }
  await world.sql.begin(async (tx) => {
    await tx`SELECT FROM jobs FOR UPDATE`
    const claimed = await claim({ ...world.app, sql }, one)
    expect(claimed.map((job) => job.id)).toEqual(later.slice(0, 1))
    expect(later).toHaveLength(2)
    // While it is paused nobody takes anything, and there is nothing to look for again.
    await world.sql`UPDATE queues SET paused_at = now()`
    expect(await claim({ ...world.app, sql }, one)).toEqual([])
    expect(later).toHaveLength(3)
  })
})

/** Text that takes as much on disk as it has characters. */
const dense = (length: number): string => randomBytes(length).toString('base64').slice(0, length)

test('a claim takes no more bytes than may be held, but at least one job', async ({ world: { app } }) => {
  await insertJobs(
    app,
    Array.from({ length: 6 }, () => ({ input: JSON.stringify({ value: dense(10_000) }) })),
  )
  const most: ClaimWish = { queue: 'default', limit: 100, free: [{ kind: echo, slots: 100 }], suspects: 'never' }
  expect(await claim(app, { ...most, bytes: 25_000 })).toHaveLength(3)
  expect(await claim(app, { ...most, bytes: 1 })).toHaveLength(1)
  const rest = await claim(app, most)
  expect(rest).toHaveLength(2)
  for (const { bytes } of rest) expect(bytes).toBeGreaterThan(9_000)
})

test('a claim of a kind with limits takes no more bytes than may be held either', async ({ world: { app } }) => {
  const input = JSON.stringify({ host: dense(10_000) })
  await insertJobs(
    app,
    Array.from({ length: 6 }, (_, nth) => ({ kind: 'test.limited', input, concurrencyKey: `${nth}` })),
  )
  const taken = [
    await claim(app, wish({}, { bytes: 25_000 })),
    await claim(app, wish({}, { bytes: 1 })),
    await claim(app, wish({})),
  ]
  expect(taken.map((jobs) => jobs.length)).toEqual([3, 1, 2])
})

test('an input that is compressed on disk counts with the size that it may have in memory', async ({
  world: { app },
}) => {
  const input = JSON.stringify({ value: 'a'.repeat(200_000) })
  await insertJobs(app, [{ input }, { input }])
  const [first] = await claim(app, { queue: 'default', limit: 1, free: [{ kind: echo, slots: 1 }], suspects: 'never' })
  expect(first?.bytes).toBeGreaterThan(20_000)
})

test('projects with large jobs take turns with others', async ({ world: { app } }) => {
  const [large, small] = ['00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000b']
  const input = JSON.stringify({ value: dense(10_000) })
  await insertJobs(
    app,
    Array.from({ length: 20 }, () => ({ projectId: large, input })),
  )
  await insertJobs(
    app,
    Array.from({ length: 20 }, () => ({ projectId: small })),
  )
  const most: ClaimWish = { queue: 'default', limit: 10, free: [{ kind: echo, slots: 10 }], suspects: 'never' }
  const claims = [
    await claim(app, { ...most, bytes: 25_000 }),
    await claim(app, { ...most, bytes: 25_000 }),
    await claim(app, { ...most, bytes: 25_000 }),
  ]
  expect(claims.map((jobs) => jobs.some(({ projectId }) => projectId === small))).toEqual([false, true, true])
})
