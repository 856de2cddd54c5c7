import { describe, expect } from 'vitest'
import { z } from 'zod'
import type { ClaimedJob } from '../../db/queries/claims.ts'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob, RetryLater } from './define.ts'
import { MAX_CHECKPOINT_BYTES } from './json.ts'
import { Stint } from './stint.ts'

describe.for([Number.NaN, Number.POSITIVE_INFINITY])('a safe point with the progress %s', (progress) => {
  const stray = defineJob({
    kind: 'test.stray',
    summary: 'Divides by zero',
    input: z.object({ durable: z.boolean() }),
    output: z.null(),
    async *run({ input }) {
      for (;;) yield { progress, durable: input.durable }
    },
  })

  test.for([true, false])(
    'fails its job, and is not stored (durable: %s)',
    async (durable, { world: { app, sql } }) => {
      const [id = ''] = await insertJobs(app, [{ kind: 'test.stray', input: JSON.stringify({ durable }) }])
      await invoke(createEngine(app, [stray]))
      expect(await jobs.find(sql, id)).toMatchObject({
        state: 'failed',
        attempt: 1,
        progress: 0,
        error: { code: 'PROGRESS_INVALID', message: expect.stringContaining(String(progress)) },
      })
      expect(await sql`SELECT type FROM events WHERE type = 'job.progressed'`).toEqual([])
    },
  )
})

describe('a safe point that cannot be stored fails its job', () => {
  const heavy = defineJob({
    kind: 'test.heavy',
    summary: 'Keeps too much',
    input: z.object({ what: z.enum(['is stopped', 'goes on later']) }),
    output: z.null(),
    checkpoint: z.string(),
    async *run({ input, signal }) {
      yield { checkpoint: 'x'.repeat(MAX_CHECKPOINT_BYTES) }
      if (input.what === 'goes on later') throw new RetryLater(1)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      return null
    },
  })

  // It was made to go on without it, and did the same again: a job that only waits, for ever.
  test.for(['is stopped', 'goes on later'])('also when it %s right after it', async (what, { world: { app, sql } }) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.heavy', input: JSON.stringify({ what }) }])
    const often = { ...app, config: { ...app.config, engine: { ...app.config.engine, safePointSeconds: 0.01 } } }
    await invoke(createEngine(often, [heavy]), { budget: 1 })
    expect(await jobs.find(sql, id)).toMatchObject({
      state: 'failed',
      stint: 1,
      error: { code: 'CHECKPOINT_TOO_LARGE' },
    })
  })

  test('also when its function’s time is over before the next one', () => {
    const job = { id: '', stint: 1, attempt: 1, runMs: 0, timeoutSeconds: 60 } as ClaimedJob
    const stint = new Stint(job, heavy, { totalMs: 900_000, remainingMs: () => 900_000 })
    stint.pass({ checkpoint: 'x'.repeat(MAX_CHECKPOINT_BYTES) })
    expect(stint.cutOff(0)).toMatchObject({ ending: 'refused', error: { code: 'CHECKPOINT_TOO_LARGE' } })
  })
})

test('a safe point that says nothing is only a place to stop at, and told to nobody', async ({
  world: { app, sql },
}) => {
  const saying = (point: object) =>
    defineJob({
      kind: 'test.silent',
      summary: 'Waits',
      input: z.object({}),
      output: z.null(),
      async *run() {
        yield point
        await new Promise((resolve) => setTimeout(resolve, 100))
        return null
      },
    })
  const often = { ...app, config: { ...app.config, engine: { ...app.config.engine, safePointSeconds: 0.01 } } }
  const told = async (point: object) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.silent', input: '{}' }])
    await invoke(createEngine(often, [saying(point)]))
    return sql`SELECT type FROM events WHERE job_id = ${id} AND type = 'job.progressed'`
  }
  expect(await told({ progress: undefined })).toEqual([])
  expect(await told({ progress: 0.5, durable: true })).toHaveLength(1)
})

test('a job that waits for a thread uses none of its time, and spends no attempt when it gets none', () => {
  const kind = defineJob({
    kind: 'test.thread',
    summary: 'Runs in a thread',
    isolation: 'thread',
    input: z.object({}),
    output: z.null(),
    async *run() {
      return null
    },
  })
  const job = { id: '', stint: 1, attempt: 1, runMs: 0, timeoutSeconds: 60 } as ClaimedJob
  const stint = new Stint(job, kind, { totalMs: 900_000, remainingMs: () => 900_000 })
  expect(stint.overdueMs()).toBe(-60_000)
  expect(stint.cutOff(0)).toEqual({ id: '', stint: 1, ending: 'yielded', runMs: 0 })
  stint.begin(61_000)
  expect(stint.overdueMs()).toBeGreaterThanOrEqual(1_000)
  expect(stint.cutOff(0)).toMatchObject({ ending: 'threw', error: { code: 'NO_SAFE_POINT' } })
})

test('a job that wants to go on at a time that is past goes on now: it comes before nobody who was there', async ({
  world: { app, sql },
}) => {
  const late = defineJob({
    kind: 'test.late',
    summary: 'Is late',
    input: z.object({}),
    output: z.null(),
    async *run() {
      throw new RetryLater(-3_600)
    },
  })
  await insertJobs(app, [{ kind: 'test.late', input: '{}' }])
  await invoke(createEngine(app, [late]), { budget: 1 })
  expect(await sql`SELECT state, start_at >= stint_started_at AS in_turn FROM jobs`).toEqual([
    { state: 'queued', inTurn: true },
  ])
})

test.for([Number.NaN, Number.POSITIVE_INFINITY, 1e12])(
  'a job that wants to go on in %s seconds is told so, and tries again as after any throw',
  async (seconds, { world: { app, sql } }) => {
    const lost = defineJob({
      kind: 'test.lost',
      summary: 'Reckons wrong',
      input: z.object({}),
      output: z.null(),
      maxAttempts: 2,
      async *run() {
        throw new RetryLater(seconds)
      },
    })
    await insertJobs(app, [{ kind: 'test.lost', input: '{}', maxAttempts: 2 }])
    await invoke(createEngine(app, [lost]), { budget: 1 })
    expect(
      await sql`SELECT state, attempt, type, data->'error' AS error FROM jobs JOIN events ON seq = event_seq`,
    ).toEqual([
      {
        ...{ state: 'queued', attempt: 2, type: 'job.retried' },
        error: {
          code: 'RangeError',
          message: expect.stringContaining(
            `RetryLater takes a number of seconds, at most 315360000, and not ${seconds}`,
          ),
        },
      },
    ])
  },
)
