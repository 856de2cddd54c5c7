import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import {
  effect,
  lastWords,
  patient,
  spin,
  submitting,
  talkThread,
  uncopied,
} from '../../tests/support/engine-thread-kinds.ts'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { cancelJob } from './cancel.ts'
import { claim } from './claim.ts'
import { Stint } from './stint.ts'

/** An app whose first write of safe points has something happen before it. */
const beforeFirstSave = ({ app }: World, happens: () => Promise<unknown>): App => {
  let isFirst = true
  return {
    ...app,
    sql: new Proxy(app.sql, {
      apply: (target, _, args) => {
        const [text] = args
        const run = () => Reflect.apply(target, undefined, args)
        if (!isFirst || !Array.isArray(text) || !text.join().includes('job.progressed')) return run()
        isFirst = false
        return happens().then(run)
      },
    }),
  }
}

/** A job with an effect, after a checkpoint of this many bytes; and whether it had it. */
const insertEffect = async (app: App, bytes = 1) => {
  const path = join(temporaryFolder(), 'effect')
  const [id = ''] = await insertJobs(app, [{ kind: 'test.effect', input: JSON.stringify({ path, bytes }) }])
  return { id, wasDone: () => existsSync(path) }
}

test('every line that threads log is kept, also those from right before their end', async ({ world: { app, sql } }) => {
  await insertJobs(
    app,
    Array.from({ length: 5 }, () => ({ kind: 'test.spin', input: '{"turns":60}' })),
  )
  await invoke(createEngine(app, [{ ...spin, concurrency: 1 }]))
  const rows = await sql`SELECT count(*)::integer AS n FROM job_logs GROUP BY job_id`
  expect(rows.map((row) => row['n'])).toEqual([60, 60, 60, 60, 60])
})

test('what a job logged is kept when it takes its thread with it', async ({ world: { app, sql } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.last-words', input: '{}', maxAttempts: 1 }])
  await invoke(createEngine(app, [lastWords]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'failed' })
  expect(await sql`SELECT message FROM job_logs`).toEqual([{ message: 'last words' }])
})

test('a thread may log what can’t be copied: it is stored as JSON', async ({ world: { app, sql } }) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.talk-thread', input: '{}' }])
  await invoke(createEngine(app, [talkThread]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded', attempt: 1 })
  const because = expect.stringMatching(/^Error: busy\n +at /)
  expect(await sql`SELECT message, data FROM job_logs`).toEqual([
    { message: 'it waits', data: { seconds: 5, because } },
  ])
})

test('what can’t leave its thread fails its job with words, and once', async ({ world: { app, sql } }) => {
  const ids = await insertJobs(
    app,
    ['result', 'partial'].map((as) => ({ kind: 'test.uncopied', input: JSON.stringify({ as }) })),
  )
  await invoke(createEngine(app, [uncopied]))
  const words = (what: string) => `the ${what} can't leave its thread: () => 5 could not be cloned.`
  const errors = [
    { code: 'RESULT_INVALID', message: words('result') },
    { code: 'SAFE_POINT_INVALID', message: words('safe point') },
  ]
  for (const [nth, error] of errors.entries())
    expect(await jobs.find(sql, ids[nth] ?? '')).toMatchObject({ state: 'failed', attempt: 1, error })
})

test('a durable safe point that could not be saved costs an attempt, and the job goes on from it', async ({
  world,
}) => {
  const { sql } = world
  const app = beforeFirstSave(world, () => Promise.reject(new Error('it broke')))
  const { id, wasDone } = await insertEffect(app)
  await invoke(createEngine(app, [effect]))
  expect(await jobs.find(sql, id)).toMatchObject({
    state: 'queued',
    attempt: 2,
    error: { code: 'Error', message: 'it broke' },
  })
  expect(wasDone()).toBe(false)

  await sql`UPDATE jobs SET start_at = now()`
  await invoke(createEngine(app, [effect]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded', attempt: 2 })
  expect(wasDone()).toBe(true)
})

test('a job that was fenced off does not go on after its durable safe point', async ({ world }) => {
  const { sql } = world
  const app = beforeFirstSave(world, () => sql`UPDATE jobs SET stint = stint + 1`)
  const { id, wasDone } = await insertEffect(app)
  await invoke(createEngine(app, [effect]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'running', stint: 2 })
  expect(wasDone()).toBe(false)
})

test('a job whose durable safe point cannot be stored fails, and does not go on after it', async ({ world }) => {
  const { app, sql } = world
  const { id, wasDone } = await insertEffect(app, 1_100_000)
  await invoke(createEngine(app, [effect]))
  expect(await jobs.find(sql, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'CHECKPOINT_TOO_LARGE' },
  })
  expect(wasDone()).toBe(false)
})

test('a thread waits at its durable safe point until it is known whether it is to stop', async ({ world: { app } }) => {
  const { wasDone } = await insertEffect(app)
  const [job] = await claim(app, { queue: 'default', limit: 1, free: [{ kind: effect, slots: 1 }], suspects: 'either' })
  if (!job) throw new Error('nothing was claimed')
  const stint = new Stint(job, effect, { totalMs: 30_000, remainingMs: () => 30_000 })
  const silent = () => {}
  const { threads } = createEngine(app)
  const given = {
    log: { debug: silent, info: silent, warn: silent, error: silent },
    input: job.input,
    checkpoint: undefined,
    parents: [],
    submit: async () => '',
  }
  const outcome = await threads.run(stint, given, async () => {
    stint.requestStop('its safe point cannot be stored')
    // Nothing else of this process gets its turn meanwhile: a thread that has its answer would go on.
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500))
  })
  expect(outcome).toMatchObject({ ending: 'yielded', checkpoint: '{"text":"x"}' })
  expect(wasDone()).toBe(false)
})

test('a thread that waits hears of its cancel, and not when it is cut off for it', async ({ world: { app, sql } }) => {
  const engine = { ...app.config.engine, watchSeconds: 0.05, safePointSeconds: 0.05 }
  const [id = ''] = await insertJobs(app, [{ kind: 'test.patient', input: '{}' }])
  const invoked = invoke(createEngine({ ...app, config: { ...app.config, engine } }, [patient]), {
    functionMs: 300_000,
  })
  await expect.poll(() => sql`SELECT message FROM job_logs`).toHaveLength(1)
  await cancelJob(app, id)
  await invoked
  expect(await sql`SELECT type, data->>'stopped' AS stopped FROM events ORDER BY seq DESC LIMIT 1`).toEqual([
    { type: 'job.cancelled', stopped: 'at a safe point' },
  ])
})

test('a job in a thread submits others, together and once per key, and hears what is wrong', async ({
  world: { app, sql },
}) => {
  const [id = ''] = await insertJobs(app, [{ kind: 'test.submit', input: '{"count":200}' }])
  await invoke(createEngine(app, [submitting, spin]), { budget: 1 })
  const made = await sql<{ id: string; startAt: Date; transaction: string }[]>`
    SELECT id, start_at, xmin::text AS transaction FROM jobs WHERE submitted_by = ${id} ORDER BY id`
  expect(made).toHaveLength(200)
  expect(made[0]?.startAt).toEqual(new Date('2100-01-01T00:00:00Z'))
  expect(new Set(made.map((it) => it.transaction)).size).toBeLessThan(50)
  expect(await jobs.find(sql, id)).toMatchObject({
    state: 'succeeded',
    result: {
      ids: 200,
      same: true,
      errors: [
        'PermanentError UNKNOWN_KIND submit("bad"): There is no kind "test.nothing". kind: expected one of test.submit, test.spin',
        'PermanentError VALIDATION_FAILED submit("function"): it is not JSON: () => 1 could not be cloned.',
      ],
    },
  })
})
