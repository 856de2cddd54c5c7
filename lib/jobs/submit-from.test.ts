import { once } from 'node:events'
import { expect } from 'vitest'
import { z } from 'zod'
import * as idempotencyKeys from '../../db/queries/idempotency-keys.ts'
import * as jobSearch from '../../db/queries/job-search.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as queues from '../../db/queries/queues.ts'
import { loseReplies } from '../../infra/local/chaos/replies.ts'
import { createEngine, echo, fail, insertJobs, invoke, PROJECT } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { readMetrics } from '../../tests/support/metrics.ts'
import { type Sent, sentBy, transactionsOf } from '../../tests/support/sent-statements.ts'
import { test } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { cancelJobs } from './cancel.ts'
import { defineJob, FencedError, type JobToSubmit, type SharedJobContext } from './define.ts'
import { removeJob } from './remove-jobs.ts'
import { retryJob } from './retry-jobs.ts'
import { endLeasesOf, sweep } from './sweep.ts'

type Context = SharedJobContext<Record<string, never>, { at: number }>
type Work = (context: Context) => AsyncGenerator<{ checkpoint?: { at: number }; durable?: boolean }, unknown, void>

/** What a test's submitting job does. */
let work: Work
const parent = defineJob({
  kind: 'test.parent',
  summary: 'Submits',
  input: z.object({}),
  output: z.unknown(),
  checkpoint: z.object({ at: z.number() }),
  run: (context) => work(context as Context) as AsyncGenerator<object, unknown, void>,
})
const together = defineJob({
  kind: 'test.together',
  summary: 'Tells what ran before it',
  input: z.object({}),
  output: z.array(z.unknown()),
  async *run({ parents }) {
    return parents.map(({ result }) => result)
  },
})
const narrow = defineJob({
  kind: 'test.narrow',
  summary: 'Has limits',
  input: z.object({ host: z.string() }),
  output: z.unknown(),
  limits: { runningPerKey: 1, concurrencyKey: ({ host }) => host },
  async *run({ input }) {
    return input.host
  },
})
const kinds = [parent, together, narrow, echo, fail]

const insertParent = async (app: App, over: Partial<jobs.NewJob> = {}): Promise<string> => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.parent', input: '{}', ...over }])
  return id
}
const run = (app: App, options?: Parameters<typeof invoke>[1]) => invoke(createEngine(app, kinds), options)
/** Runs the submitting job, and none of those that it submits: an invocation whose job takes long takes in others. */
const runAlone = async (app: App): Promise<void> => {
  const given = work
  work = async function* (context) {
    await queues.pause(app.sql, 'default')
    return yield* given(context)
  }
  await run(app, { budget: 1 })
  work = given
  await queues.resume(app.sql, 'default')
}
const get = async ({ sql }: App, id: string) => {
  const job = await jobs.find(sql, id)
  if (!job) throw new Error(`no job ${id}`)
  return job
}
const ofParent = ({ sql }: App, id: string) => sql<{ id: string; name: string | null; state: string }[]>`
  SELECT id, name, state FROM jobs WHERE submitted_by = ${id} ORDER BY id`
const echoOf = (value: unknown, over: object = {}): JobToSubmit => ({ kind: 'test.echo', input: { value }, ...over })

/** Another process has it by now. */
const takeAway = ({ sql }: App, id: string) =>
  sql`UPDATE jobs SET stint = stint + 1, worker = 'another', lease_until = now() + interval '1 minute' WHERE id = ${id}`

test('a job submits others of its project, which know by whom, and run', async ({ world: { app } }) => {
  const createdBy = newId()
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const id = await insertParent(app, { createdBy, traceparent })
  work = async function* ({ submit }) {
    const job = echoOf('hello', { name: 'greeting', priority: 3, tags: ['a'], maxAttempts: 7, timeoutSeconds: 9 })
    return submit('greeting', job)
  }
  await run(app)
  const child = await get(app, String((await get(app, id)).result))
  expect(child).toMatchObject({ projectId: PROJECT, createdBy, submittedBy: id, name: 'greeting', priority: 3 })
  expect(child).toMatchObject({ tags: ['a'], maxAttempts: 7, timeoutSeconds: 9, input: { value: 'hello' } })
  // Under the span of the job that submits it.
  expect(child.traceparent).toBe(`00-4bf92f3577b34da6a3ce929d0e0e4736-${id.replaceAll('-', '').slice(16)}-01`)
  expect((await readMetrics(app)).value('stint_jobs_submitted_total', { kind: 'test.echo', queue: 'default' })).toBe(1)
  await run(app)
  expect(await get(app, child.id)).toMatchObject({ state: 'succeeded', result: { value: 'hello' } })
})

test('a thousand in one turn are one transaction of three statements, and two doorbells', async ({
  world: { app },
}) => {
  const id = await insertParent(app)
  let used: Sent[] = []
  work = async function* ({ submit }) {
    const sent = sentBy(app.sql)
    const ids = await Promise.all(Array.from({ length: 1_000 }, (_, nth) => submit(`${nth}`, echoOf(nth))))
    used = [...sent]
    return new Set(ids).size
  }
  await runAlone(app)
  expect((await get(app, id)).result).toBe(1_000)
  expect(await ofParent(app, id)).toHaveLength(1_000)
  // The keys, the fence, and the jobs with their events.
  expect(transactionsOf(used).map((statements) => statements.length)).toEqual([3])
  const doorbells = await app.queue.receive('default', { max: 10, waitSeconds: 1 })
  expect(doorbells.map(({ body }) => JSON.parse(body).n)).toEqual([500, 500])
})

test('what is large goes in several transactions', async ({ world: { app } }) => {
  const id = await insertParent(app)
  work = async function* ({ submit }) {
    const value = 'x'.repeat(200_000)
    await Promise.all(Array.from({ length: 60 }, (_, nth) => submit(`${nth}`, echoOf(value))))
    return null
  }
  await runAlone(app)
  const rows = await app.sql`SELECT count(*)::integer AS jobs FROM jobs WHERE submitted_by = ${id} GROUP BY xmin`
  expect(rows.map((row) => row['jobs']).toSorted()).toEqual([11, 49])
})

test('where the database can take none of them, each is not tried alone', async ({ world: { app } }) => {
  const id = await insertParent(app)
  let transactions = 0
  const sql = new Proxy(app.sql, {
    get: (target, property) => {
      if (property !== 'begin') return Reflect.get(target, property)
      return async () => {
        transactions++
        throw new Error('the disk is full')
      }
    },
  })
  work = async function* ({ submit }) {
    await Promise.all(Array.from({ length: 100 }, (_, nth) => submit(`${nth}`, echoOf(nth))))
    return null
  }
  await run({ ...app, sql }, { budget: 1 })
  expect(transactions).toBe(1)
  expect(await get(app, id)).toMatchObject({ state: 'queued', attempt: 2, error: { message: 'the disk is full' } })
})

test('a chord: one job runs after all that were submitted before it', async ({ world: { app } }) => {
  await insertParent(app)
  work = async function* ({ submit }) {
    const after = await Promise.all([1, 2, 3].map((value) => submit(`part ${value}`, echoOf(value))))
    return submit('all', { kind: 'test.together', input: {}, after })
  }
  await runAlone(app)
  const [row] = await app.sql`SELECT id, state, waits_for FROM jobs WHERE kind = 'test.together'`
  expect(row).toMatchObject({ state: 'blocked', waitsFor: 3 })
  await run(app)
  await run(app)
  expect(await get(app, row?.['id'])).toMatchObject({
    state: 'succeeded',
    result: [{ value: 1 }, { value: 2 }, { value: 3 }],
  })
})

test('what is submitted to run after the submitting job itself waits for its end', async ({ world: { app } }) => {
  const id = await insertParent(app)
  work = async function* ({ submit, job }) {
    return submit('next', { kind: 'test.together', input: {}, after: [job.id] })
  }
  await runAlone(app)
  await run(app)
  const [next] = await ofParent(app, id)
  expect(await get(app, next?.id ?? '')).toMatchObject({ state: 'succeeded', result: [next?.id] })
})

test('a stint that repeats a key gets the job that is there, whatever it says of it by then', async ({
  world: { app },
}) => {
  const id = await insertParent(app)
  const given: string[] = []
  work = async function* ({ submit, job }) {
    given.push(await submit('it', echoOf(job.stint, { name: `of stint ${job.stint}` })))
    if (job.stint === 1) throw new Error('after it was committed')
    return null
  }
  await run({ ...app, random: () => 0 })
  await app.sql`UPDATE jobs SET start_at = now() WHERE id = ${id}`
  await run(app)
  expect((await get(app, id)).state).toBe('succeeded')
  expect(given).toHaveLength(2)
  expect(new Set(given).size).toBe(1)
  expect(await ofParent(app, id)).toMatchObject([{ id: given[0], name: 'of stint 1' }])
})

test('a key is the submitting job’s own, and whoever repeats one in the same turn means the same job', async ({
  world: { app },
}) => {
  const ids = [await insertParent(app), await insertParent(app)]
  work = async function* ({ submit }) {
    return Promise.all([submit('it', echoOf(1)), submit('it', echoOf(2)), submit('its', echoOf(3))])
  }
  await run(app, { budget: 2 })
  for (const id of ids) {
    const made = (await ofParent(app, id)).map((it) => it.id)
    expect((await get(app, id)).result).toEqual([made[0], made[0], made[1]])
  }
})

test('a process that dies after the commit, before its job could say so, has submitted once', async ({
  world: { app },
}) => {
  const id = await insertParent(app)
  let hangs = true
  const submitted = Promise.withResolvers<void>()
  work = async function* ({ submit, signal }) {
    const it = await submit('it', echoOf(1))
    submitted.resolve()
    if (hangs) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    yield { checkpoint: { at: 1 } }
    return it
  }
  const dead = run(app, { budget: 1 })
  await submitted.promise
  await endLeasesOf(app, [app.instance])
  hangs = false
  await runAlone(app)
  await dead
  const made = await ofParent(app, id)
  expect(made).toHaveLength(1)
  expect(await get(app, id)).toMatchObject({ state: 'succeeded', stint: 2, result: made[0]?.id })
})

test('a commit whose answer is lost, and one that is not made, are one job in the end', async ({ world: { app } }) => {
  for (const [nth, draws] of [
    [0.99, 0], // the answer of the commit
    [0], // the connection, before it
  ].entries()) {
    const id = await insertParent(app)
    work = async function* ({ submit }) {
      return submit('it', echoOf(nth))
    }
    // What claims the job and ends it is no transaction, and not what is tried here.
    const losing = loseReplies(app.sql, () => draws.shift() ?? 0.99)
    const sql = new Proxy(app.sql, {
      get: (target, property) => Reflect.get(property === 'begin' ? losing : target, property),
    })
    await run({ ...app, sql }, { budget: 1 })
    const made = await ofParent(app, id)
    expect(made).toHaveLength(1)
    expect(await get(app, id)).toMatchObject({ state: 'succeeded', result: made[0]?.id })
  }
})

test('a stint that lost its job submits nothing, and is told', async ({ world: { app } }) => {
  const id = await insertParent(app)
  const errors: unknown[] = []
  work = async function* ({ submit, job }) {
    await takeAway(app, job.id)
    for (const key of ['a', 'b']) await submit(key, echoOf(1)).catch((error) => errors.push(error))
    return null
  }
  await run(app)
  expect(errors).toEqual([expect.any(FencedError), expect.any(FencedError)])
  expect(await ofParent(app, id)).toEqual([])
  expect(await app.sql`SELECT FROM idempotency_keys`).toHaveLength(0)
  expect(await get(app, id)).toMatchObject({ state: 'running', stint: 2 })
})

test('a stint whose job is taken away while it waits for a key submits nothing', async ({ world: { app } }) => {
  const id = await insertParent(app)
  const held = Promise.withResolvers<void>()
  const errors: unknown[] = []
  work = async function* ({ submit }) {
    await submit('it', echoOf(1, { uniqueKey: 'one' })).catch((error) => errors.push(error))
    return null
  }
  const holder = app.sql.begin(async (tx) => {
    await tx`INSERT INTO unique_keys (project_id, key, job_id, until) VALUES (${PROJECT}, 'one', ${newId()}, now())`
    await held.promise
  })
  const ran = run(app)
  await untilOneWaits(app.sql)
  await takeAway(app, id)
  held.resolve()
  await holder
  await ran
  expect(errors).toEqual([expect.any(FencedError)])
  expect(await ofParent(app, id)).toEqual([])
})

test('what is wrong fails alone, and says by key and field what it is', async ({ world: { app } }) => {
  const id = await insertParent(app)
  const told: Record<string, [string, string]> = {}
  const nobody = newId()
  const wrong: [string, JobToSubmit][] = [
    ['kind', { kind: 'test.nothing', input: {} }],
    ['kindless', { input: {} } as JobToSubmit],
    ['input', { kind: 'test.narrow', input: { host: 7 } }],
    ['priority', echoOf(1, { priority: 11 })],
    ['both', echoOf(1, { delaySeconds: 1, runAt: new Date() })],
    ['unknown', echoOf(1, { prioritty: 1 })],
    ['after', echoOf(1, { after: [nobody] })],
    ['large', echoOf('x'.repeat(262_144))],
    ['nul', echoOf('a\0b')],
    ['number', echoOf(1n)],
    ['x'.repeat(201), echoOf(1)],
  ]
  work = async function* ({ submit }) {
    const all = [
      submit('first', echoOf(1)),
      ...wrong.map(([key, job]) =>
        submit(key, job).catch((error) => {
          told[key.slice(0, 10)] = [error.code, error.message]
        }),
      ),
      submit('last', echoOf(2)),
    ]
    await Promise.all(all)
    return null
  }
  await runAlone(app)
  expect((await get(app, id)).state).toBe('succeeded')
  expect(await ofParent(app, id)).toHaveLength(2)
  const failed = 'VALIDATION_FAILED'
  expect(told).toEqual({
    kind: ['UNKNOWN_KIND', expect.stringMatching(/^submit\("kind"\): There is no kind "test.nothing". kind: expected/)],
    kindless: [failed, 'submit("kindless"): kind: is needed'],
    input: [failed, expect.stringMatching(/^submit\("input"\): The input does not fit test.narrow: input.host: /)],
    priority: [failed, expect.stringMatching(/^submit\("priority"\): priority: /)],
    both: [failed, 'submit("both"): runAt: give delaySeconds or runAt, not both'],
    unknown: [failed, 'submit("unknown"): prioritty: this field is not known here'],
    after: [failed, `submit("after"): after[0]: there is no job ${nobody} in the project`],
    large: [failed, 'submit("large"): The input does not fit test.echo: input: may have 262144 bytes of JSON'],
    nul: [failed, expect.stringMatching(/^submit\("nul"\): .* input.value: text may not hold NUL characters$/)],
    number: [failed, expect.stringMatching(/^submit\("number"\): it is not JSON: .*BigInt/)],
    xxxxxxxxxx: [failed, expect.stringMatching(/^submit\("x+"\): key: expected 1–200 characters/)],
  })
})

test('a kind that jobs may not submit is none to them, and not named', async ({ world: { app } }) => {
  const id = await insertParent(app)
  work = async function* ({ submit }) {
    return submit('it', { kind: 'test.narrow', input: { host: 'a' } })
  }
  await invoke({ ...createEngine(app, kinds), submittable: [echo, fail] })
  expect(await get(app, id)).toMatchObject({
    state: 'failed',
    error: {
      code: 'UNKNOWN_KIND',
      message: 'submit("it"): There is no kind "test.narrow". kind: expected one of test.echo, test.fail',
    },
  })
})

test('one that is wrong fails a job that does not catch it, without a retry', async ({ world: { app } }) => {
  const id = await insertParent(app)
  work = async function* ({ submit }) {
    await submit('it', { kind: 'test.echo', input: { value: 1 }, tags: ['a b'] })
    return null
  }
  await run(app)
  expect(await get(app, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'VALIDATION_FAILED', message: expect.stringMatching(/^submit\("it"\): tags\[0\]: /) },
  })
})

test('one that nobody awaits harms nobody, and its job’s log says what became of it', async ({ world: { app } }) => {
  const id = await insertParent(app)
  work = async function* ({ submit }) {
    void submit('it', { kind: 'test.nothing', input: {} })
    return null
  }
  await run(app)
  expect((await get(app, id)).state).toBe('succeeded')
  expect(await app.sql`SELECT level, message FROM job_logs`).toMatchObject([
    { level: 'warn', message: expect.stringMatching(/^not submitted: submit\("it"\): There is no kind/) },
  ])
})

test('delays, unique keys and the limits of kinds hold as over HTTP', async ({ world: { app } }) => {
  const id = await insertParent(app)
  const soon = new Date('2100-01-01T00:00:00Z')
  work = async function* ({ submit }) {
    const [later, at, one, same, limited] = await Promise.all([
      submit('later', echoOf(1, { delaySeconds: 3_600 })),
      submit('at', echoOf(1, { runAt: soon })),
      submit('one', echoOf(1, { uniqueKey: 'u' })),
      submit('same', echoOf(2, { uniqueKey: 'u' })),
      submit('limited', { kind: 'test.narrow', input: { host: 'example.org' } }),
    ])
    return { later, at, one, same, limited, again: await submit('again', echoOf(3, { uniqueKey: 'u' })) }
  }
  await runAlone(app)
  const ids = (await get(app, id)).result as Record<string, string>
  expect([ids['same'], ids['again']]).toEqual([ids['one'], ids['one']])
  expect(await ofParent(app, id)).toHaveLength(4)
  const { startAt, queuedAt } = await get(app, ids['later'] ?? '')
  expect(startAt.getTime() - queuedAt.getTime()).toBe(3_600_000)
  expect((await get(app, ids['at'] ?? '')).startAt).toEqual(soon)
  const [row] = await app.sql`SELECT concurrency_key FROM jobs WHERE id = ${ids['limited'] ?? ''}`
  expect(row?.['concurrencyKey']).toBe('example.org')
})

test('a key that was answered with another job stays so after that one has ended', async ({ world: { app } }) => {
  const id = await insertParent(app)
  const given: string[] = []
  work = async function* ({ submit, job }) {
    if (job.attempt === 1) await submit('first', echoOf(1, { uniqueKey: 'u' }))
    given.push(await submit('second', echoOf(2, { uniqueKey: 'u' })))
    if (job.attempt === 1) throw new Error('again')
    return null
  }
  await runAlone({ ...app, random: () => 0 })
  await app.sql`UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE submitted_by = ${id}`
  await app.sql`UPDATE jobs SET start_at = now() WHERE id = ${id}`
  await run(app)
  expect(given).toHaveLength(2)
  expect(new Set(given).size).toBe(1)
  expect(await ofParent(app, id)).toHaveLength(1)
})

test('a retry goes on with what was submitted; one from the start submits anew', async ({ world: { app } }) => {
  const id = await insertParent(app, { maxAttempts: 1 })
  work = async function* ({ submit }) {
    await submit('it', echoOf(1))
    throw new Error('it broke')
  }
  await runAlone(app)
  // Keys of people would have had their time.
  await idempotencyKeys.prune(app.sql, 100)
  for (const [fromStart, count] of [
    [false, 1],
    [true, 2],
    [false, 2],
  ] as const) {
    expect((await get(app, id)).state).toBe('failed')
    await retryJob(app, id, { fromStart })
    await app.sql`UPDATE jobs SET max_attempts = 1 WHERE id = ${id}`
    await run(app)
    expect(await ofParent(app, id)).toHaveLength(count)
  }
})

test('the keys of a job go with it, and never before', async ({ world }) => {
  const { app } = world
  const id = await insertParent(app)
  work = async function* ({ submit }) {
    await Promise.all([submit('a', echoOf(1)), submit('b', echoOf(2))])
    return null
  }
  await runAlone(app)
  await app.sql`UPDATE idempotency_keys SET expires_at = expires_at - interval '10 years'`
  expect(await idempotencyKeys.prune(app.sql, 100)).toBe(0)
  await world.relay()
  await removeJob(app, id)
  expect(await app.sql`SELECT FROM idempotency_keys`).toHaveLength(0)
  expect((await ofParent(app, id)).map(({ state }) => state)).toEqual(['queued', 'queued'])
})

test('a job submits in the midst of its own writes one that runs after it', async ({ world: { app } }) => {
  const id = await insertParent(app)
  work = async function* ({ fenced, submit, job }) {
    return fenced(() => submit('next', echoOf('next', { after: [job.id] })))
  }
  await runAlone(app)
  const { state, result } = await get(app, id)
  expect(state).toBe('succeeded')
  await run(app)
  expect(await get(app, String(result))).toMatchObject({ state: 'succeeded' })
})

test('a job that submits one whose expiry is past by then goes on, and that one is cancelled', async ({
  world: { app },
}) => {
  const id = await insertParent(app)
  work = async function* ({ submit }) {
    await submit('late', echoOf(1, { expiresAt: new Date(0) }))
    await submit('soon enough', echoOf(2, { expiresInSeconds: 3_600 }))
    return null
  }
  await run(app)
  await run(app)
  await sweep(app)
  expect((await get(app, id)).state).toBe('succeeded')
  expect((await ofParent(app, id)).map(({ state }) => state)).toEqual(['cancelled', 'succeeded'])
})

test('a kind of which each job submits two more is stopped by a pause, and a cancel of what runs and then of what waits', async ({
  world: { app, sql },
}) => {
  work = async function* ({ submit, signal }) {
    await Promise.all(['one', 'two'].map((key) => submit(key, { kind: 'test.parent', input: {} })))
    if (!signal.aborted) await once(signal, 'abort')
    yield {}
    return null
  }
  const count = async (state: jobs.JobState) => (await sql`SELECT FROM jobs WHERE state = ${state}`).count
  const cancelAll = async (state: 'queued' | 'running') => {
    const ids = await jobSearch.listLiveIds(sql, { projectId: PROJECT, kind: 'test.parent', state }, 1_000)
    await cancelJobs(app, ids)
  }
  await insertParent(app)
  const invoked = run(app, { budget: 20 })
  await expect.poll(() => count('running')).toBeGreaterThanOrEqual(20)
  await queues.pause(sql, 'default')
  await expect
    .poll(async () => {
      await cancelAll('running')
      return count('running')
    })
    .toBe(0)
  await invoked
  await cancelAll('queued')
  await queues.resume(sql, 'default')
  await run(app)
  expect(await sql`SELECT DISTINCT state FROM jobs`).toEqual([{ state: 'cancelled' }])
})
