import { expect } from 'vitest'
import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { oddThread } from '../../tests/support/engine-thread-kinds.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob, PermanentError, RetryLater } from './define.ts'
import { deserializeError, serializeError } from './thrown.ts'

const throwing = (key: string) =>
  Object.defineProperty(new Error('as told'), key, {
    enumerable: true,
    get: () => {
      throw new Error('not to be read')
    },
  })
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable(new Error('gone'), {})
  revoke()
  return proxy
}

/** What a job may throw, and what is told of it. */
const ODD: [string, () => unknown, { code: string; message: string }][] = [
  ['an error', () => new TypeError('as told'), { code: 'TypeError', message: 'as told' }],
  ['text', () => 'as told', { code: 'ERROR', message: 'as told' }],
  ['nothing', () => undefined, { code: 'ERROR', message: 'undefined' }],
  ['an object', () => ({ status: 503, of: 'them' }), { code: 'ERROR', message: '{"of":"them","status":503}' }],
  ['what has no text', () => Object.create(null), { code: 'ERROR', message: 'what was thrown has no text' }],
  [
    'an error whose message is no text',
    () => Object.assign(new TypeError(), { message: { code: 5 } }),
    { code: 'TypeError', message: '{"code":5}' },
  ],
  [
    'an error whose name is no text',
    () => Object.assign(new Error('as told'), { name: 5 }),
    { code: 'Error', message: 'as told' },
  ],
  ['an error whose message cannot be read', () => throwing('message'), { code: 'Error', message: 'undefined' }],
  ['an error of which something cannot be read', () => throwing('detail'), { code: 'Error', message: 'as told' }],
  ['an error that is frozen', () => Object.freeze(new Error('as told')), { code: 'Error', message: 'as told' }],
  [
    'an error with a code',
    () => Object.assign(new TypeError('as told'), { code: 'NAME_NOT_FOUND' }),
    { code: 'NAME_NOT_FOUND', message: 'as told' },
  ],
  [
    'an error with a number for a code',
    () => Object.assign(new TypeError('as told'), { code: '23505' }),
    { code: 'TypeError', message: 'as told' },
  ],
  ['a proxy that was revoked', revoked, { code: 'ERROR', message: 'what was thrown has no text' }],
]

test('whatever jobs throw is what they end with, and their neighbours go on', async ({ world: { app, sql } }) => {
  let left = ODD.length
  const allThrew = Promise.withResolvers<void>()
  const odd = defineJob({
    kind: 'test.odd',
    summary: 'Throws',
    input: z.object({ nth: z.int() }),
    output: z.null(),
    async *run({ input }) {
      left--
      if (left === 0) setImmediate(allThrew.resolve)
      throw ODD[input.nth]?.[1]()
    },
  })
  const neighbour = defineJob({
    kind: 'test.neighbour',
    summary: 'Ends after the others',
    input: z.object({}),
    output: z.null(),
    async *run() {
      await allThrew.promise
      yield { progress: 0.5, durable: true }
      return null
    },
  })
  const given = ODD.map((_, nth) => ({ kind: 'test.odd', input: JSON.stringify({ nth }), maxAttempts: 1 }))
  const [id = '', ...ids] = await insertJobs(app, [{ kind: 'test.neighbour', input: '{}' }, ...given])
  await invoke(createEngine(app, [odd, neighbour]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded' })
  const ended = await Promise.all(ids.map((it) => jobs.find(sql, it)))
  expect(ended.map((job) => job?.state)).toEqual(ODD.map(() => 'failed'))
  expect(ended.map((job, nth) => [ODD[nth]?.[0], job?.error])).toEqual(ODD.map(([what, , told]) => [what, told]))
})

test('what a job throws in a thread may be anything too', async ({ world: { app, sql } }) => {
  const hows = ['no text', 'no message', 'a function', 'a code'] as const
  const ids = await insertJobs(
    app,
    hows.map((how) => ({ kind: 'test.odd-thread', input: JSON.stringify({ how }), maxAttempts: 1 })),
  )
  await invoke(createEngine(app, [oddThread]))
  const ended = await Promise.all(ids.map((it) => jobs.find(sql, it)))
  expect(ended).toMatchObject([
    { state: 'failed', progress: 0.5, error: { code: 'ERROR', message: 'what was thrown has no text' } },
    { state: 'failed', progress: 0.5, error: { code: 'TypeError', message: '{"code":5}' } },
    { state: 'failed', progress: 0.5, error: { code: 'ERROR', message: '() => 5' } },
    { state: 'failed', progress: 0.5, error: { code: 'NAME_NOT_FOUND', message: 'as told' } },
  ])
})

test('a job that cannot even be ended spends an attempt, and its neighbour goes on', async ({ world }) => {
  const { sql } = world
  const log = Object.assign(Object.create(world.app.log), {
    info: () => {
      throw new Error('the log is full')
    },
  })
  const app = { ...world.app, log }
  const [failing = '', fine = ''] = await insertJobs(app, [{ kind: 'test.fail', input: '{"how":"error"}' }, {}])
  await invoke(createEngine(app))
  expect(await jobs.find(sql, failing)).toMatchObject({
    state: 'queued',
    attempt: 2,
    error: { code: 'Error', message: 'the log is full' },
  })
  expect(await jobs.find(sql, fine)).toMatchObject({ state: 'succeeded' })
})

test('an error that must not be retried, or later, stays one on its way between threads', () => {
  const permanent = deserializeError(
    structuredClone(serializeError(new PermanentError('NO_SUCH_THING', 'there is none'))),
  )
  expect(permanent).toBeInstanceOf(PermanentError)
  expect(permanent).toMatchObject({ code: 'NO_SUCH_THING', message: 'there is none' })
  const later = deserializeError(structuredClone(serializeError(new RetryLater(30, 'busy'))))
  expect(later).toBeInstanceOf(RetryLater)
  expect(later).toMatchObject({ seconds: 30, message: 'busy' })
})
