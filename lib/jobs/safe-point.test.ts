import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test as plain } from 'vitest'
import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { carelessShared, carelessThread } from '../../tests/support/engine-thread-kinds.ts'
import { runKind } from '../../tests/support/run-kind.ts'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob, RetryLater } from './define.ts'
import { isStray, toSafePoint } from './safe-point.ts'

const plainKind = { kind: 'test.plain', checkpoint: undefined }
const counting = { kind: 'test.counting', checkpoint: z.object({ at: z.int() }) }

/** What a kind may yield by mistake, and what is told of it. */
const MISTAKES: [string, unknown, { code: string; message: string }][] = [
  ['nothing', undefined, { code: 'SAFE_POINT_INVALID', message: 'yields undefined, and no object' }],
  ['null', null, { code: 'SAFE_POINT_INVALID', message: 'yields null, and no object' }],
  ['a number', 0.5, { code: 'SAFE_POINT_INVALID', message: 'yields 0.5, and no object' }],
  ['text', 'half', { code: 'SAFE_POINT_INVALID', message: 'yields "half", and no object' }],
  ['a list', [{ progress: 0.5 }], { code: 'SAFE_POINT_INVALID', message: 'yields a list, and no object' }],
  [
    'a misspelt progress',
    { progres: 0.5 },
    {
      code: 'SAFE_POINT_INVALID',
      message: 'yields "progres", which no safe point has: expected checkpoint, progress, partial, durable',
    },
  ],
  [
    'a misspelt checkpoint beside a progress',
    { progress: 0.5, checkpont: { at: 1 } },
    { code: 'SAFE_POINT_INVALID', message: 'yields "checkpont", which no safe point has' },
  ],
  [
    'a checkpoint that it does not declare',
    { checkpoint: { at: 1 } },
    { code: 'SAFE_POINT_INVALID', message: 'yields a checkpoint, and declares none' },
  ],
  [
    'a progress that is text',
    { progress: '0.5' },
    { code: 'PROGRESS_INVALID', message: 'yields the progress "0.5", and not a number from 0 to 1' },
  ],
  [
    'a progress that is null',
    { progress: null },
    { code: 'PROGRESS_INVALID', message: 'yields the progress null, and not a number from 0 to 1' },
  ],
]

plain('what a kind may say is taken as it is, without what it leaves undefined', () => {
  const all = { checkpoint: { at: 1 }, progress: 1.0000001, partial: null, durable: true }
  expect(toSafePoint(counting, all)).toEqual(all)
  expect(toSafePoint(plainKind, {})).toEqual({})
  const undefinedFields = { checkpoint: undefined, progress: undefined, partial: undefined, durable: false }
  expect(Object.entries(toSafePoint(plainKind, undefinedFields))).toEqual([['durable', false]])
})

plain.for([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1n])(
  'the progress %s is refused for good',
  (progress) => {
    expect(() => toSafePoint(plainKind, { progress })).toThrow(
      expect.objectContaining({
        name: 'PermanentError',
        code: 'PROGRESS_INVALID',
        message: `the kind test.plain yields the progress ${progress}, and not a number from 0 to 1`,
      }),
    )
  },
)

plain('a progress strays where no sum of fractions comes', () => {
  expect([-1, -0.02, 1.02, 50].map(isStray)).toEqual([true, true, true, true])
  expect([-1e-9, 0, 0.5, 1, 1.0000001].map(isStray)).toEqual([false, false, false, false, false])
})

plain('a kind’s own test is told what its job would be', async () => {
  const run = (yields: unknown) => runKind(carelessShared, { input: { yields } })
  await expect(run({ progres: 0.5 })).rejects.toThrow('yields "progres"')
  await expect(run({ progress: 50 })).rejects.toThrow('yields the progress 50')
  await expect(run({ progress: 0.5 })).resolves.toMatchObject({ result: null })
})

test.for(MISTAKES)(
  'a kind that yields %s fails its job at once, in a thread too, and says why',
  async ([, yields, { code, message }], { world: { app, sql } }) => {
    const directory = temporaryFolder()
    const given = [carelessShared, carelessThread].map(({ kind }) => {
      const cleanedUp = join(directory, kind)
      return { kind, cleanedUp, input: JSON.stringify({ yields, cleanedUp }) }
    })
    const ids = await insertJobs(
      app,
      given.map(({ kind, input }) => ({ kind, input })),
    )
    await invoke(createEngine(app, [carelessShared, carelessThread]))
    for (const [nth, { kind, cleanedUp }] of given.entries()) {
      expect(await jobs.find(sql, ids[nth] ?? '')).toMatchObject({
        ...{ state: 'failed', attempt: 1, stint: 1 },
        error: { code, message: expect.stringContaining(`the kind ${kind} ${message}`) },
      })
      await expect.poll(() => existsSync(cleanedUp)).toBe(true)
    }
  },
)

test('a progress in percent is cut to 1, and said once in the job’s log', async ({ world: { app, sql } }) => {
  const percent = defineJob({
    kind: 'test.percent',
    summary: 'Shows its progress in percent',
    input: z.object({}),
    output: z.null(),
    async *run() {
      for (const progress of [0.5, 1.0000001, 50, 100]) yield { progress, durable: true }
      return null
    },
  })
  const [id = ''] = await insertJobs(app, [{ kind: 'test.percent', input: '{}' }])
  await invoke(createEngine(app, [percent]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded' })
  expect(await sql`SELECT level, message FROM job_logs`).toEqual([
    {
      level: 'warn',
      message: 'the kind test.percent yields the progress 50: it is the part that is done, 0 to 1, and is cut to it',
    },
  ])
})

describe('a checkpoint that its own schema does not take fails the job', () => {
  const error = {
    code: 'CHECKPOINT_INVALID',
    message: 'the checkpoint is not what the kind declares: checkpoint.at: must be a number, not "2"',
  }
  const forgetful = (ats: unknown[], then: () => Promise<void>) =>
    defineJob({
      kind: 'test.forgetful',
      summary: 'Says where it is as text',
      input: z.object({}),
      output: z.null(),
      checkpoint: z.object({ at: z.int() }),
      async *run() {
        for (const at of ats) yield { checkpoint: { at: at as number }, durable: true }
        await then()
        return null
      },
    })

  // It was stored, and dropped by the next stint: the job began anew each time that it was stopped.
  test('when the first one is stored', async ({ world: { app, sql } }) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.forgetful', input: '{}' }])
    await invoke(createEngine(app, [forgetful(['2', '3'], async () => {})]))
    expect(await jobs.find(sql, id)).toMatchObject({ state: 'failed', attempt: 1, stint: 1, error })
  })

  test('when it is to go on from a later one', async ({ world: { app, sql } }) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.forgetful', input: '{}' }])
    const later = () => Promise.reject(new RetryLater(1))
    await invoke(createEngine(app, [forgetful([1, '2'], later)]), { budget: 1 })
    expect(await jobs.find(sql, id)).toMatchObject({ state: 'failed', attempt: 1, stint: 1, error })
  })

  test('and not where it is as declared by what JSON makes of it', async ({ world: { app, sql } }) => {
    const dated = defineJob({
      kind: 'test.dated',
      summary: 'Says since when',
      input: z.object({}),
      output: z.object({ since: z.string() }),
      checkpoint: z.object({ since: z.coerce.date() }),
      async *run({ checkpoint }) {
        if (checkpoint) return { since: checkpoint.since.toISOString() }
        yield { checkpoint: { since: new Date(0) } }
        throw new RetryLater(0)
      },
    })
    const [id = ''] = await insertJobs(app, [{ kind: 'test.dated', input: '{}' }])
    for (let stint = 1; stint <= 2; stint++) await invoke(createEngine(app, [dated]), { budget: 1 })
    expect(await jobs.find(sql, id)).toMatchObject({
      ...{ state: 'succeeded', stint: 2 },
      result: { since: '1970-01-01T00:00:00.000Z' },
    })
  })
})
