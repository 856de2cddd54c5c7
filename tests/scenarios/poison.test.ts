import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import * as stints from '../../db/queries/stints.ts'
import { insertJobs } from '../support/engine.ts'
import { startQueueProcesses } from '../support/queue-processes.ts'
import { test, type World } from '../support/world.ts'

// Jobs that kill or block the processes they run in, in real worker processes. Each ends as it deserves, and the jobs
// that happened to run beside it end as if nothing had been.

const PATIENCE = { timeout: 200_000, interval: 100 }
const LONG = { timeout: 240_000 }
const WORKER = 'tests/support/poison-worker.ts'

const start = (world: World, options: { functionSeconds?: number; concurrency?: number } = {}) =>
  startQueueProcesses(world, {
    handlerFile: WORKER,
    functionSeconds: 30,
    concurrency: 1,
    // Small, so that it is full at once.
    env: { NODE_OPTIONS: '--max-old-space-size=128' },
    ...options,
  })

/** A job of many short steps, and one of a single long step: both are still at it when a deadly one strikes. */
const MATES = [
  { kind: 'debug.noop', input: JSON.stringify({ steps: 40, stepMs: 10 }) },
  { kind: 'debug.noop', input: JSON.stringify({ steps: 1, stepMs: 400 }) },
]
const mates = (pairs: number) => Array.from({ length: pairs }, () => MATES).flat()

const poison = (name: string, input: object) => ({ kind: `poison.${name}`, input: JSON.stringify(input) })

const rowsOf = async ({ sql }: World, ids: string[]) => Promise.all(ids.map((id) => jobs.find(sql, id)))

const outcomesOf = async ({ sql }: World, id: string) =>
  (await stints.list(sql, id, 0, 100)).map(({ outcome }) => outcome)

const untilEnded = (world: World, ids: string[]) =>
  expect.poll(async () => (await rowsOf(world, ids)).filter((job) => job && !job.finishedAt), PATIENCE).toEqual([])

const expectUnharmed = async (world: World, ids: string[]) => {
  const unharmed = { state: 'succeeded', crashes: 0, attempt: 1, error: null }
  expect(await rowsOf(world, ids)).toMatchObject(ids.map(() => unharmed))
}

test.for([
  { how: 'exit', as: { code: 3 } },
  { how: 'abort', as: { signal: 'SIGABRT' } },
  { how: 'segfault', as: { signal: 'SIGSEGV' } },
  { how: 'memory', as: { signal: 'SIGABRT' } },
  { how: 'callback', as: { code: 1 } },
])(
  'a job that ends its process by $how fails with CRASHED, and takes no other with it',
  LONG,
  async (given, { world }) => {
    const { how, as } = given
    const [culprit = '', ...others] = await insertJobs(world.app, [poison('deadly', { how }), ...mates(2)])
    const { deaths } = start(world)
    await untilEnded(world, [culprit, ...others])
    const [job] = await rowsOf(world, [culprit])
    expect(job).toMatchObject({ state: 'failed', error: { code: 'CRASHED' }, crashes: 3, attempt: 1 })
    expect(await outcomesOf(world, culprit)).toEqual(['crashed', 'crashed', 'crashed'])
    expect(deaths).toMatchObject([as, as, as])
    await expectUnharmed(world, others)
  },
)

test('an error that belongs to no job is logged with the kinds that ran beside it', LONG, async ({ world }) => {
  // They are still at it, however long the process stands still before it ends.
  const long = { kind: 'debug.noop', input: JSON.stringify({ steps: 1, stepMs: 60_000 }) }
  await insertJobs(world.app, [poison('deadly', { how: 'callback' }), ...Array(4).fill(long)])
  const { deaths, log } = start(world)
  await expect.poll(() => deaths[0], PATIENCE).toMatchObject({ code: 1 })
  const lines = log('worker-default-1')
    .split('\n')
    .filter((line) => line.includes('"level":60'))
  expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
    err: { message: 'thrown by a timer' },
    kinds: { 'poison.deadly': 1, 'debug.noop': 4 },
  })
})

test(
  'a promise that a job does not await costs it an attempt when it is rejected, and nobody else',
  LONG,
  async ({ world }) => {
    const [culprit = '', threaded = '', ...others] = await insertJobs(world.app, [
      { ...poison('careless', {}), maxAttempts: 2 },
      { ...poison('threaded', { how: 'careless' }), maxAttempts: 2 },
      ...mates(2),
    ])
    const { deaths } = start(world)
    await untilEnded(world, [culprit, threaded, ...others])
    const failed = {
      ...{ state: 'failed', attempt: 2, crashes: 0 },
      error: { code: 'UNAWAITED_REJECTION', message: 'a promise that nobody awaited was rejected: nobody looks' },
    }
    expect(await rowsOf(world, [culprit, threaded])).toMatchObject([failed, failed])
    for (const id of [culprit, threaded]) expect(await outcomesOf(world, id)).toEqual(['retried', 'failed'])
    expect(deaths).toEqual([])
    await expectUnharmed(world, others)
  },
)

test('several deadly jobs at once take each other with them, but nobody else', LONG, async ({ world }) => {
  const culprits = [1, 2, 3].map(() => poison('deadly', { how: 'exit' }))
  const ids = await insertJobs(world.app, [...culprits, ...mates(3)])
  start(world, { concurrency: 2 })
  await untilEnded(world, ids)
  const [a, b, c, ...others] = await rowsOf(world, ids)
  for (const job of [a, b, c]) expect(job).toMatchObject({ state: 'failed', error: { code: 'CRASHED' }, crashes: 3 })
  await expectUnharmed(
    world,
    others.map((job) => job?.id ?? ''),
  )
})

test('a job that gets on between its crashes is no poison', LONG, async ({ world }) => {
  const ids = await insertJobs(world.app, [poison('stumbling', { times: 5 })])
  const { deaths } = start(world)
  await untilEnded(world, ids)
  await expectUnharmed(world, ids)
  expect(await rowsOf(world, ids)).toMatchObject([{ result: { died: 5 }, stint: 6 }])
  expect(deaths).toHaveLength(5)
})

test('a job that passes no safe point costs itself attempts, and its mates nothing', LONG, async ({ world }) => {
  const long = { kind: 'debug.noop', input: JSON.stringify({ steps: 250, stepMs: 20 }) }
  const [culprit = '', ...others] = await insertJobs(world.app, [
    { ...poison('stuck', {}), maxAttempts: 2 },
    ...mates(2),
    long,
    long,
  ])
  const { deaths } = start(world, { functionSeconds: 8 })
  await untilEnded(world, [culprit, ...others])
  const [job] = await rowsOf(world, [culprit])
  expect(job).toMatchObject({ state: 'failed', error: { code: 'NO_SAFE_POINT' }, attempt: 2, crashes: 0 })
  expect(await outcomesOf(world, culprit)).toEqual(['retried', 'failed'])
  // It can't be stopped, so its process ends, but not before everybody's outcome is written.
  await expect.poll(() => deaths).toHaveLength(2)
  await expectUnharmed(world, others)
  for (const id of others) expect(await outcomesOf(world, id)).not.toContain('crashed')
})

test('a job that holds the event loop is ended with its process, and alone in the end', LONG, async ({ world }) => {
  const [culprit = '', ...others] = await insertJobs(world.app, [poison('deadly', { how: 'loop' }), ...mates(3)])
  const { deaths } = start(world, { functionSeconds: 4 })
  await untilEnded(world, [culprit, ...others])
  expect(await rowsOf(world, [culprit])).toMatchObject([{ state: 'failed', error: { code: 'CRASHED' } }])
  // A process that stands still for as long as a function may take is ended too.
  expect(deaths.length).toBeGreaterThanOrEqual(3)
  expect(new Set(deaths.map(({ signal }) => signal))).toEqual(new Set(['SIGKILL']))
  await expectUnharmed(world, others)
})

test('a thread that ends itself or runs out of memory fails its own job only', LONG, async ({ world }) => {
  const threaded = ['exit', 'memory'].map((how) => ({ ...poison('threaded', { how }), maxAttempts: 2 }))
  const [exit = '', memory = '', ...others] = await insertJobs(world.app, [...threaded, ...mates(3)])
  const { deaths } = start(world)
  await untilEnded(world, [exit, memory, ...others])
  expect(await rowsOf(world, [exit, memory])).toMatchObject([
    { state: 'failed', attempt: 2, crashes: 0 },
    { state: 'failed', attempt: 2, crashes: 0, error: { message: expect.stringContaining('memory') } },
  ])
  expect(deaths).toEqual([])
  await expectUnharmed(world, others)
})

test('a thread that never comes to a safe point is terminated, and its process goes on', LONG, async ({ world }) => {
  const [culprit = '', ...others] = await insertJobs(world.app, [
    { ...poison('threaded', { how: 'stuck' }), maxAttempts: 2 },
    ...mates(2),
  ])
  const { deaths } = start(world, { functionSeconds: 8 })
  await untilEnded(world, [culprit, ...others])
  expect(await rowsOf(world, [culprit])).toMatchObject([
    { state: 'failed', error: { code: 'NO_SAFE_POINT' }, attempt: 2, crashes: 0 },
  ])
  expect(deaths).toEqual([])
  await expectUnharmed(world, others)
})
