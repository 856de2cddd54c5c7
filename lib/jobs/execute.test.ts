import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { z } from 'zod'
import * as events from '../../db/queries/events.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as leases from '../../db/queries/leases.ts'
import * as outcomes from '../../db/queries/outcomes.ts'
import * as stints from '../../db/queries/stints.ts'
import { count, createEngine, echo, insertJobs, invoke, script } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { cancelJob } from './cancel.ts'
import { defineJob } from './define.ts'
import { execute } from './execute.ts'
import { endLeasesOf, sweep } from './sweep.ts'

const get = async (app: App, id: string | undefined) => {
  const job = await jobs.find(app.sql, id ?? '')
  if (!job) throw new Error(`no job ${id}`)
  return job
}
const eventTypes = async (app: App, id: string) => (await events.list(app.sql, id, 0, 100)).map((it) => it.type)
const inTime = () => {
  script.onCount = () => {}
}

test('a job runs to its result, and its events say so in order', async ({ world: { app } }) => {
  const [id = ''] = await insertJobs(app, [{ input: '{"value":{"deep":[1,null]}}' }])
  await invoke(createEngine(app))

  const job = await get(app, id)
  expect(job).toMatchObject({
    state: 'succeeded',
    result: { value: { deep: [1, null] } },
    progress: 1,
    attempt: 1,
    stint: 1,
    error: null,
  })
  expect(job.finishedAt).toBeInstanceOf(Date)
  expect(await eventTypes(app, id)).toEqual(['job.queued', 'job.started', 'job.succeeded'])
  expect(await stints.list(app.sql, id, 0, 10)).toMatchObject([
    { stint: 1, attempt: 1, outcome: 'succeeded', worker: app.instance },
  ])
})

test('an invocation runs no more jobs than its doorbells are worth', async ({ world: { app } }) => {
  await insertJobs(
    app,
    Array.from({ length: 5 }, () => ({})),
  )
  await invoke(createEngine(app), { budget: 3 })
  const states = await app.sql`SELECT state FROM jobs ORDER BY state`
  expect(states.map((it) => it['state'])).toEqual(['queued', 'queued', 'succeeded', 'succeeded', 'succeeded'])
})

test('priority goes before age, and projects take turns', async ({ world: { app } }) => {
  const mine = '00000000-0000-7000-8000-00000000000a'
  const [, , urgent = ''] = await insertJobs(app, [
    { projectId: mine },
    { projectId: mine },
    { projectId: mine, priority: 5 },
  ])
  const [other = ''] = await insertJobs(app, [{ projectId: '00000000-0000-7000-8000-00000000000b' }])
  await invoke(createEngine(app), { budget: 2 })
  expect((await get(app, urgent)).state).toBe('succeeded')
  expect((await get(app, other)).state).toBe('succeeded')
})

test('a delayed job is not claimed before it is due, nor after two crashes', async ({ world }) => {
  const app = await world.anotherApp({ random: () => 0 })
  const [id, suspect] = await insertJobs(app, [{ delaySeconds: 3_600 }, { delaySeconds: 3_600 }])
  await app.sql`UPDATE jobs SET crashes = 2 WHERE id = ${suspect ?? ''}`
  const states = async () => [(await get(app, id)).state, (await get(app, suspect)).state]
  await invoke(createEngine(app))
  expect(await states()).toEqual(['queued', 'queued'])
  await app.sql`UPDATE jobs SET start_at = now()`
  await invoke(createEngine(app))
  expect(await states()).toEqual(['succeeded', 'succeeded'])
})

test('a time that is past is now: it puts no job before those that were there', async ({ world: { app } }) => {
  const [first, past] = await insertJobs(app, [{}, { runAt: '1999-01-01T00:00:00Z' }])
  const [row] = await app.sql`SELECT start_at = queued_at AS now FROM jobs WHERE id = ${past ?? ''}`
  expect(row).toEqual({ now: true })
  await invoke(createEngine(app), { budget: 1 })
  expect((await get(app, first)).state).toBe('succeeded')
})

test('when time is nearly over a job stops at a safe point and goes on from there, with the same attempt', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":2000000}' }])
  const seen: number[] = []
  const runUntil = async (end: number): Promise<void> => {
    let isShort = false
    script.onCount = (at) => {
      seen.push(at)
      isShort = at >= end
    }
    const remainingMs = () => (isShort ? 2_900 : 30_000)
    await execute(createEngine(app), { queue: 'default', budget: 1, remainingMs })
  }
  await runUntil(1_000)

  // Once more if the invocation was just looking for jobs when it stopped.
  const paused = await get(app, id)
  expect(paused).toMatchObject({ state: 'queued', attempt: 1 })
  const [row] = await app.sql<{ checkpoint: { at: number } }[]>`SELECT checkpoint FROM jobs WHERE id = ${id}`
  expect(row?.checkpoint.at).toBe(seen.at(-1))

  await runUntil(2_000)
  expect(seen).toEqual(seen.map((_, nth) => nth + 1))
  expect(seen.length).toBeGreaterThanOrEqual(2_000)
  expect((await get(app, id)).startedAt).toEqual(paused.startedAt)
  expect(await eventTypes(app, id)).toContain('job.continued')
  const started = (await events.list(app.sql, id, 0, 100)).filter(({ type }) => type === 'job.started')
  expect(started.map(({ data }) => data['resumed'])).toEqual(started.map((_, nth) => nth > 0))
  inTime()
})

test('a throw is retried with backoff while attempts are left, and then the job fails with what was thrown', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.fail', input: '{"how":"error"}', maxAttempts: 2 }])
  const beganMs = Date.now()
  await invoke(createEngine({ ...app, random: () => 0.5 }))
  const retried = await get(app, id)
  expect(retried).toMatchObject({ state: 'queued', attempt: 2, error: { code: 'Error', message: 'it broke' } })
  expect(retried.startAt.getTime() - beganMs).toBeGreaterThan(3_000)

  await app.sql`UPDATE jobs SET start_at = now()`
  await invoke(createEngine(app))
  expect(await get(app, id)).toMatchObject({
    state: 'failed',
    attempt: 2,
    error: { code: 'Error', message: 'it broke' },
  })
  expect(await eventTypes(app, id)).toEqual(['job.queued', 'job.started', 'job.retried', 'job.started', 'job.failed'])
})

test('a permanent error fails at once, and a job that asks for a later time spends no attempt', async ({
  world: { app },
}) => {
  const [never = '', later = ''] = await insertJobs(app, [
    { kind: 'test.fail', input: '{"how":"permanent"}' },
    { kind: 'test.fail', input: '{"how":"later"}' },
  ])
  const beganMs = Date.now()
  await invoke(createEngine(app))
  expect(await get(app, never)).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'NO_SUCH_THING' } })
  const postponed = await get(app, later)
  expect(postponed).toMatchObject({ state: 'queued', attempt: 1 })
  expect(postponed.startAt.getTime() - beganMs).toBeGreaterThan(25_000)
})

test('an input that no longer fits its kind fails without a retry', async ({ world: { app } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":"many"}' }])
  await invoke(createEngine(app))
  expect(await get(app, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: {
      code: 'INPUT_INVALID',
      message: 'the input is not what the kind declares: input.to: must be a number, not "many"',
    },
  })
})

test('a result that is not what its kind declares fails the job with each wrong field', async ({ world: { app } }) => {
  const wrong = defineJob({
    kind: 'test.wrong',
    summary: 'Returns something else',
    input: z.object({}),
    output: z.object({ words: z.array(z.int()), text: z.string() }),
    async *run() {
      return JSON.parse('{"words": [1, "two"]}')
    },
  })
  const [id = ''] = await insertJobs(app, [{ kind: 'test.wrong', input: '{}' }])
  await invoke(createEngine(app, [wrong]))
  expect((await get(app, id)).error).toEqual({
    code: 'RESULT_INVALID',
    message:
      'the result is not what the kind declares: result.words[1]: must be a number, not "two"; result.text: is needed',
  })
})

test('a result that is too large or holds what JSON columns refuse fails that job and no other', async ({
  world: { app },
}) => {
  const [large = '', bad = '', fine = ''] = await insertJobs(app, [
    { input: JSON.stringify({ value: 'x'.repeat(300_000) }) },
    { kind: 'test.surrogate', input: '{}' },
    {},
  ])
  const surrogate = defineJob({
    kind: 'test.surrogate',
    summary: 'Returns half a character',
    input: z.object({}),
    output: z.string(),
    async *run() {
      return '\ud800'
    },
  })
  const { testKinds } = await import('../../tests/support/engine.ts')
  await invoke(createEngine(app, [...testKinds, surrogate]))
  expect(await get(app, large)).toMatchObject({ state: 'failed', error: { code: 'RESULT_TOO_LARGE' } })
  expect(await get(app, bad)).toMatchObject({ state: 'failed', error: { code: 'RESULT_INVALID' } })
  expect((await get(app, fine)).state).toBe('succeeded')
})

test('a job that passes no safe point until the function ends spends an attempt, its mates finish, and the process must end', async ({
  world,
}) => {
  const exits: string[] = []
  const app = { ...world.app, exit: (reason: string) => void exits.push(reason) }
  const [stuck = '', mate = ''] = await insertJobs(app, [{ kind: 'test.hang', input: '{}', maxAttempts: 1 }, {}])
  await invoke(createEngine(app), { functionMs: 5_000 })
  expect(await get(app, stuck)).toMatchObject({ state: 'failed', error: { code: 'NO_SAFE_POINT' } })
  expect((await get(app, mate)).state).toBe('succeeded')
  expect(exits).toHaveLength(1)
})

test('a cancel of a running job aborts its signal and takes effect at its next safe point', async ({ world }) => {
  const app = {
    ...world.app,
    config: { ...world.app.config, engine: { ...world.app.config.engine, watchSeconds: 0.02 } },
  }
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":100000000}' }])
  let asked = false
  const heard = Promise.withResolvers<void>()
  script.onCount = (_at, signal) => {
    if (!asked) void cancelJob(app, id)
    asked = true
    if (signal.aborted) heard.resolve()
    else signal.addEventListener('abort', () => heard.resolve(), { once: true })
  }
  await invoke(createEngine(app))
  await heard.promise
  inTime()
  expect((await get(app, id)).state).toBe('cancelled')
  expect(await eventTypes(app, id)).toEqual(expect.arrayContaining(['job.cancelling', 'job.cancelled']))
})

test('a cancel that a job ignores keeps 30 s of its lease, and then fences it off', async ({ world }) => {
  const exits: string[] = []
  const { engine } = world.app.config
  const app = {
    ...world.app,
    exit: (reason: string) => void exits.push(reason),
    config: { ...world.app.config, engine: { ...engine, watchSeconds: 0.05, heartbeatSeconds: 0.02 } },
  }
  const [id = ''] = await insertJobs(app, [{ kind: 'test.hang', input: '{}' }])
  const run = invoke(createEngine(app), { functionMs: 600_000 })
  await expect.poll(async () => (await get(app, id)).state).toBe('running')
  expect(await cancelJob(app, id)).toBe('running')
  await expect.poll(async () => (await get(app, id)).cancelAcknowledgedAt).not.toBeNull()
  const [lease] = await app.sql`
    SELECT lease_until <= cancel_requested_at + interval '30 seconds' AS short FROM jobs WHERE id = ${id}`
  expect(lease).toEqual({ short: true })
  await app.sql`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = ${id}`
  // With the app's own heartbeat of 20 s: a sweep that takes longer than a heartbeat counts as an outage.
  await sweep(world.app)
  await run
  expect(await get(app, id)).toMatchObject({ state: 'cancelled', attempt: 1 })
  expect((await events.list(app.sql, id, 0, 100)).at(-1)?.data).toMatchObject({ stopped: 'fenced off' })
  expect(exits).toHaveLength(1)
})

test('running time over the timeout, all stints together, fails with TIMEOUT', async ({ world: { app } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":100000000}', timeoutSeconds: 1 }])
  await app.sql`UPDATE jobs SET run_ms = 1000`
  await invoke(createEngine(app))
  expect(await get(app, id)).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
})

test('nothing is written from behind the fence: the stint that lost its job changes neither row nor events', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":1}' }])
  script.onCount = () => {}
  const taken = { id, stint: 1 }
  await app.sql`UPDATE jobs SET state = 'running', stint = 2, worker = 'another', lease_until = now() + interval '1 minute', stint_started_at = now()`
  expect(
    await outcomes.settle(app.sql, [{ ...taken, ending: 'returned', runMs: 1, result: '1' }], 'without parents'),
  ).toEqual([])
  expect(await leases.extend(app.sql, { ids: [id], stints: [1] }, 60)).toEqual([])
  expect(await leases.watch(app.sql, { ids: [id], stints: [1] })).toEqual([{ id, fenced: true }])
  expect(await get(app, id)).toMatchObject({ state: 'running', stint: 2, result: null })
  expect(await eventTypes(app, id)).toEqual(['job.queued'])
})

test('how a process ended takes nothing from the error of an attempt before, nor from its stack', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.fail', input: '{"how":"error"}' }])
  await invoke(createEngine(app))
  await app.sql`UPDATE jobs SET state = 'running', stint = stint + 1, worker = 'dead', lease_until = now() + interval '1 minute', stint_started_at = now() WHERE id = ${id}`
  await endLeasesOf(app, ['dead'], 'worker-default-1 ended with SIGKILL')
  const { error } = await get(app, id)
  expect(error).toEqual({ code: 'Error', message: 'it broke' })
  expect(error && (await stints.findStack(app.sql, id, error))).toContain('it broke')
})

test('a dead process costs its jobs no attempt, and the third crash in a row without progress fails with CRASHED', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{}])
  const die = async () => {
    await app.sql`UPDATE jobs SET state = 'running', stint = stint + 1, worker = 'dead', lease_until = now() + interval '1 minute', stint_started_at = now() WHERE id = ${id}`
    await endLeasesOf(app, ['dead'], 'worker-default-1 ended with SIGABRT')
    return get(app, id)
  }
  expect(await die()).toMatchObject({ state: 'queued', attempt: 1, crashes: 1 })
  expect(await die()).toMatchObject({ state: 'queued', attempt: 1, crashes: 2 })
  expect(await die()).toMatchObject({
    state: 'failed',
    crashes: 3,
    error: {
      code: 'CRASHED',
      message: expect.stringMatching(/ three times .*; the last time, \S+ ended with SIGABRT$/),
    },
  })
  const error = { code: 'CRASHED', message: 'worker-default-1 ended with SIGABRT' }
  expect(await stints.list(app.sql, id, 0, 10)).toMatchObject(Array(3).fill({ outcome: 'crashed', error }))
})

test('jobs with two crashes run alone, one by one, and the others after them', async ({ world }) => {
  const app = await world.anotherApp({ random: () => 0 })
  const ids = await insertJobs(app, [{}, {}, {}, {}, {}])
  const suspects = ids.slice(0, 3)
  await app.sql`UPDATE jobs SET crashes = 2 WHERE id = ANY (${suspects})`
  // None of its time goes by: after a second the others would be left to the next.
  await execute(createEngine(app), { queue: 'default', budget: 100, remainingMs: () => 30_000 })

  const ran = await Promise.all(ids.map((id) => get(app, id)))
  for (const job of ran) expect(job).toMatchObject({ state: 'succeeded', crashes: 0 })
  const times = ran.map(({ startedAt, finishedAt }) => ({ from: Number(startedAt), to: Number(finishedAt) }))
  for (const { from, to } of times.slice(0, 3)) {
    expect(times.filter((it) => it.from < to && it.to > from)).toEqual([{ from, to }])
  }
  const othersBegan = Math.min(...times.slice(3).map(({ from }) => from))
  expect(othersBegan).toBeGreaterThanOrEqual(Math.max(...times.slice(0, 3).map(({ to }) => to)))
})

test('an invocation has done with jobs of two crashes after a tenth of its time', async ({ world: { app } }) => {
  const ids = await insertJobs(app, [{}, {}, {}, {}, {}])
  await app.sql`UPDATE jobs SET crashes = 2 WHERE id = ANY (${ids})`
  let ran = 0
  const slow = defineJob({
    ...(echo as Parameters<typeof defineJob>[0]),
    async *run() {
      ran++
      return { value: null }
    },
  })
  const remainingMs = () => 8_000 - ran * 500
  await execute(createEngine({ ...app, random: () => 0 }, [slow]), { queue: 'default', budget: 5, remainingMs })
  expect(await app.sql`SELECT FROM jobs WHERE state = 'succeeded'`).toHaveLength(2)
})

test('jobs with two crashes don’t keep the others waiting: in every second invocation the others go first', async ({
  world,
}) => {
  const app = await world.anotherApp({ random: () => 0.9 })
  const [suspect = '', ...others] = await insertJobs(app, [{}, {}, {}])
  await app.sql`UPDATE jobs SET crashes = 2 WHERE id = ${suspect}`
  await invoke(createEngine(app))
  for (const other of others) expect((await get(app, other)).state).toBe('succeeded')
  expect((await get(app, suspect)).state).toBe('queued')
  await invoke(createEngine(app))
  expect(await get(app, suspect)).toMatchObject({ state: 'succeeded', crashes: 0 })
})

test('a checkpoint of another version is not given to the job', async ({ world: { app } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":3}' }])
  await app.sql`UPDATE jobs SET checkpoint = '{"at":2}', checkpoint_version = 9 WHERE id = ${id}`
  const seen: number[] = []
  script.onCount = (at) => void seen.push(at)
  await invoke(createEngine(app))
  inTime()
  expect(seen).toEqual([1, 2, 3])
})

test('a job in a thread gives its result, and is stopped between two safe points when it is fenced off', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.spin', input: '{"turns":3}' }])
  const { spin } = await import('../../tests/support/engine-thread-kinds.ts')
  await invoke(createEngine(app, [spin]))
  expect(await get(app, id)).toMatchObject({ state: 'succeeded', result: { turns: 3 } })

  const exits: string[] = []
  const watched = { ...app, exit: (reason: string) => void exits.push(reason) }
  const [endless = ''] = await insertJobs(app, [{ kind: 'test.spin', input: '{"turns":-1}', maxAttempts: 1 }])
  await invoke(createEngine(watched, [spin]), { functionMs: 5_000 })
  expect(await get(app, endless)).toMatchObject({ state: 'failed', error: { code: 'NO_SAFE_POINT' } })
  expect(exits).toEqual([])
})

test('a job that throws because the process stops goes on later with the same attempt', async ({ world }) => {
  const stopping = new AbortController()
  const app = { ...world.app, stopping: stopping.signal }
  const [id = ''] = await insertJobs(app, [{ kind: 'debug.noop', input: '{"steps":3,"stepMs":50000}' }])
  const { debugNoop } = await import('../../functions/jobs/debug-noop.ts')
  const run = invoke(createEngine(app, [debugNoop]))
  while ((await get(app, id)).state !== 'running') await new Promise((resolve) => setImmediate(resolve))
  stopping.abort()
  await run
  expect(await get(app, id)).toMatchObject({ state: 'queued', attempt: 1, error: null })
})

test('a job that runs over its timeout is stopped at its next safe point, not at the end of the function', async ({
  world: { app },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":1000000000}', timeoutSeconds: 1 }])
  await app.sql`UPDATE jobs SET run_ms = 800`
  await invoke(createEngine(app), { functionMs: 60_000 })
  expect(await get(app, id)).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
})

test('a job that yields as fast as it can costs one write a second', async ({ world: { app } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.count', input: '{"to":1000000000}' }])
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1_000
  let isShort = false
  let late = 0
  script.onCount = () => {
    if (seconds() > 1.5) late++
    isShort = late > 10_000
  }
  await execute(createEngine(app), { queue: 'default', budget: 1, remainingMs: () => (isShort ? 2_900 : 30_000) })
  inTime()
  const progressed = (await eventTypes(app, id)).filter((it) => it === 'job.progressed')
  expect(progressed.length).toBeGreaterThanOrEqual(1)
  expect(progressed.length).toBeLessThanOrEqual(Math.ceil(seconds()))
})

test('a checkpoint that is too large fails the job with the limit in its error', async ({ world: { app } }) => {
  const { defineJob } = await import('./define.ts')
  const { z } = await import('zod')
  const hoarder = defineJob({
    kind: 'test.hoarder',
    summary: 'Keeps too much',
    input: z.object({}),
    output: z.null(),
    checkpoint: z.object({ all: z.string() }),
    async *run() {
      yield { checkpoint: { all: 'x'.repeat(1_100_000) }, durable: true }
      return null
    },
  })
  const [id = ''] = await insertJobs(app, [{ kind: 'test.hoarder', input: '{}' }])
  await invoke(createEngine(app, [hoarder]))
  expect(await get(app, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'CHECKPOINT_TOO_LARGE', message: expect.stringContaining('1048576') },
  })
})

test('a result or a checkpoint that is nested too deep fails its job and nothing else, in a thread as well', async ({
  world: { app },
}) => {
  const { nest, nestShared } = await import('../../tests/support/engine-thread-kinds.ts')
  const exits: string[] = []
  const watched = { ...app, exit: (reason: string) => void exits.push(reason) }
  const given = [nest.kind, nestShared.kind].flatMap((kind) =>
    (['result', 'checkpoint'] as const).flatMap((as) => [200, 201, 100_000].map((levels) => ({ kind, as, levels }))),
  )
  const ids = await insertJobs(
    app,
    given.map(({ kind, ...input }) => ({ kind, input: JSON.stringify(input) })),
  )
  await invoke(createEngine(watched, [nest, nestShared]))
  for (const [index, { kind, as, levels }] of given.entries()) {
    const { state, attempt, error } = await get(app, ids[index] ?? '')
    // What is so deep cannot even leave its thread.
    const unsayable = kind === nest.kind && levels === 100_000
    const code = unsayable ? 'VALUE_TOO_DEEP' : `${as.toUpperCase()}_TOO_DEEP`
    const ending = levels === 200 ? ['succeeded', 1, undefined] : ['failed', 1, code]
    expect.soft([kind, as, levels, state, attempt, error?.code]).toEqual([kind, as, levels, ...ending])
  }
  expect(exits).toEqual([])
})

test('a job that was fenced off and doesn’t notice is given up, and its process with it', async ({ world }) => {
  const exits: string[] = []
  const { engine } = world.app.config
  const app = {
    ...world.app,
    exit: (reason: string) => void exits.push(reason),
    config: { ...world.app.config, engine: { ...engine, watchSeconds: 0.05 } },
  }
  const [id = ''] = await insertJobs(app, [{ kind: 'test.hang', input: '{}' }])
  const run = invoke(createEngine(app), { functionMs: 600_000 })
  while ((await get(app, id)).state !== 'running') await new Promise((resolve) => setImmediate(resolve))
  await app.sql`UPDATE jobs SET stint = 2 WHERE id = ${id}`
  await run
  expect(exits).toHaveLength(1)
  expect(await get(app, id)).toMatchObject({ state: 'running', stint: 2 })
})

test('a process that is stuck ends although Postgres is away by then', async ({ world }) => {
  const exits: string[] = []
  await insertJobs(world.app, [{ kind: 'test.hang', input: '{}' }])
  const away = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
  const sql = new Proxy(world.app.sql, {
    apply: (target, _, [text, ...values]) =>
      String(text?.raw).includes('decided AS')
        ? Promise.reject(away)
        : Reflect.apply(target, undefined, [text, ...values]),
  })
  const app = { ...world.app, sql, exit: (reason: string) => void exits.push(reason) }
  await expect(invoke(createEngine(app), { functionMs: 5_000 })).rejects.toThrow('gone')
  expect(exits).toHaveLength(1)
})

test('jobs that wait for slots of their kind are not all read each time one of them ends', async ({
  world: { app },
}) => {
  await insertJobs(
    app,
    Array.from({ length: 40 }, () => ({})),
  )
  let claims = 0
  const sql = new Proxy(app.sql, {
    apply: (target, _, args) => {
      const [text] = args
      if (Array.isArray(text) && text.join().includes('WITH RECURSIVE asked')) claims++
      return Reflect.apply(target, undefined, args)
    },
  })
  await invoke(createEngine({ ...app, sql }, [{ ...echo, concurrency: 1 }, count]))
  expect([...(await app.sql`SELECT DISTINCT state FROM jobs`)]).toEqual([{ state: 'succeeded' }])
  // One for each job. Beside them were as many for the other kind.
  expect(claims).toBeGreaterThanOrEqual(40)
  expect(claims).toBeLessThan(70)
})

test('a doorbell is over at once where nobody runs any kind', async ({ world: { app } }) => {
  // The test has no time for more than a look.
  await invoke(createEngine(app, []), { budget: 1, functionMs: 600_000 })
})

test('a job that a process lost and then claimed again is taken from its earlier stint', async ({ world: { app } }) => {
  const signals: AbortSignal[] = []
  const stay = defineJob({
    kind: 'test.stay',
    summary: 'Stays until it is told to stop',
    input: z.object({}),
    output: z.null(),
    async *run({ signal }) {
      signals.push(signal)
      await once(signal, 'abort')
      return null
    },
  })
  const [id = ''] = await insertJobs(app, [{ kind: 'test.stay', input: '{}' }])
  const invoked = invoke(createEngine(app, [stay]), { functionMs: 120_000 })
  await expect.poll(() => signals).toHaveLength(1)
  await endLeasesOf(app, [app.instance])
  await expect.poll(() => signals).toHaveLength(2)
  await expect.poll(() => signals.map((it) => it.aborted)).toEqual([true, false])
  await cancelJob(app, id)
  await invoked
  expect(await get(app, id)).toMatchObject({ state: 'succeeded', stint: 2 })
})

test('an invocation holds no more large checkpoints than it has memory for, and gets through all', async ({
  world: { app },
}) => {
  let running = 0
  let most = 0
  const heavy = defineJob({
    kind: 'test.heavy',
    summary: 'Goes on from a megabyte',
    input: z.object({}),
    output: z.int(),
    checkpoint: z.string(),
    async *run({ checkpoint = '' }) {
      most = Math.max(most, ++running)
      await sleep(10)
      running--
      return checkpoint.length
    },
  })
  await insertJobs(
    app,
    Array.from({ length: 50 }, () => ({ kind: 'test.heavy', input: '{}' })),
  )
  const megabyte = randomBytes(750_000).toString('base64')
  await app.sql`UPDATE jobs SET checkpoint_version = 1, checkpoint = to_jsonb(${megabyte}::text)`
  await invoke(createEngine(app, [heavy]))
  expect(most).toBeLessThan(40)
  const rows = await app.sql`SELECT state, result, count(*)::integer FROM jobs GROUP BY state, result`
  expect(rows).toEqual([{ state: 'succeeded', result: 1_000_000, count: 50 }])
})
