import postgres from 'postgres'
import { expect } from 'vitest'
import type { Outcome } from '../../db/queries/outcomes.ts'
import { echo, insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { claim } from './claim.ts'
import { createFinisher } from './finisher.ts'

/** Jobs that run, and what their worker hands in. */
const running = async ({ app }: World, given: Parameters<typeof insertJobs>[1]): Promise<Outcome[]> => {
  const ids = await insertJobs(app, given)
  const jobs = await claim(app, {
    queue: 'default',
    limit: ids.length,
    free: [{ kind: echo, slots: ids.length }],
    suspects: 'either',
  })
  return ids.map((id) => {
    const stint = jobs.find((job) => job.id === id)?.stint ?? 0
    return { id, stint, ending: 'returned', runMs: 5, result: '{"value":1}' }
  })
}

const oneRunning = async (world: World): Promise<Outcome> => {
  const [outcome] = await running(world, [{}])
  if (!outcome) throw new Error('nothing runs')
  return outcome
}

const states = async ({ sql }: World) =>
  (await sql`SELECT state, error->>'code' AS code FROM jobs ORDER BY id`).map((row) => [row['state'], row['code']])

const errorOf = (code: string): Error =>
  Object.assign(/^\d/.test(code) ? new postgres.PostgresError('') : new Error(), { code, message: code })

/** An app whose statements that end stints fail, and whose transactions do, as long as `fails` gives an error for them. */
const failing = ({ app }: World, fails: (what: 'statement' | 'transaction') => Error | undefined): App => ({
  ...app,
  sql: new Proxy(app.sql, {
    apply: (target, _, args) => {
      const [text] = args
      const endsStints = Array.isArray(text) && text.join().includes('INSERT INTO stints')
      const error = endsStints ? fails('statement') : undefined
      return error ? Promise.reject(error) : Reflect.apply(target, undefined, args)
    },
    get: (target, name) => {
      const error = name === 'begin' ? fails('transaction') : undefined
      return error ? () => Promise.reject(error) : Reflect.get(target, name)
    },
  }),
})

test('a result is kept when the server cancels its write, which waits for the job’s row', async ({ world }) => {
  const { sql } = world
  const outcome = await oneRunning(world)
  const finisher = createFinisher(world.app, () => true)
  await sql.begin(async (tx) => {
    await tx`SELECT FROM jobs WHERE id = ${outcome.id} FOR UPDATE`
    finisher.add(outcome)
    const cancelled = () => sql`
      SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    await expect.poll(cancelled).toHaveLength(1)
    await expect.poll(() => world.logged.join('')).toContain('they wait')
  })
  await finisher.idle()
  expect(await states(world)).toEqual([['succeeded', null]])
})

test.for([
  '57014', // query_canceled, also by statement_timeout
  '55P03', // lock_not_available
  '53100', // disk_full
  '53200', // out_of_memory
  '40P01', // deadlock_detected
  '25006', // read_only_sql_transaction
  '08006', // connection_failure
  'ENOTFOUND',
])('a result is kept over an error that is not its own: %s', async (code, { world }) => {
  const outcome = await oneRunning(world)
  // A deadlock's victim is tried five times before anybody hears of it.
  let left = code === '40P01' ? 5 : 1
  const finisher = createFinisher(
    failing(world, () => (left-- > 0 ? errorOf(code) : undefined)),
    () => true,
  )
  finisher.add(outcome)
  await finisher.idle()
  expect(left).toBeLessThan(0)
  expect(await states(world)).toEqual([['succeeded', null]])
})

test('an outcome that the database refuses fails its job, and the others are written', async ({ world }) => {
  const given = await running(world, [{}, {}, { hasChildren: true }, { hasChildren: true }])
  const finisher = createFinisher(world.app, () => true)
  for (const [at, outcome] of given.entries())
    finisher.add(at % 2 === 0 ? outcome : { ...outcome, result: '"\\u0000"' })
  await finisher.idle()
  expect(await states(world)).toEqual([
    ['succeeded', null],
    ['failed', 'OUTCOME_REFUSED'],
    ['succeeded', null],
    ['failed', 'OUTCOME_REFUSED'],
  ])
})

test('an outcome that could not be written before the time was over is kept, and idle() throws why', async ({
  world,
}) => {
  const outcome = await oneRunning(world)
  const error = errorOf('42703')
  let tries = 0
  let isBroken = true
  const app = failing(world, () => {
    tries++
    return isBroken ? error : undefined
  })
  let looks = 0
  const finisher = createFinisher(app, () => ++looks < 4)
  finisher.add(outcome)
  await expect(finisher.idle()).rejects.toBe(error)
  expect(tries).toBeLessThan(10)
  await expect(finisher.idle()).rejects.toBe(error)
  isBroken = false
  await finisher.idle()
  expect(await states(world)).toEqual([['succeeded', null]])
})

test('an outcome whose write failed while nobody waited is written when somebody does', async ({ world }) => {
  const outcome = await oneRunning(world)
  let left = 1
  const app = failing(world, () => (left-- > 0 ? errorOf('ECONNREFUSED') : undefined))
  const finisher = createFinisher(app, () => false)
  finisher.add(outcome)
  await expect.poll(() => world.logged.join('')).toContain('they wait')
  await finisher.idle()
  expect(await states(world)).toEqual([['succeeded', null]])
})

test('jobs that nothing runs after are counted and rung for once, also when those with children are tried again', async ({
  world,
}) => {
  const given = await running(world, [{}, { hasChildren: true }, {}, { hasChildren: true }])
  const counted: string[] = []
  let rung = 0
  let left = 2
  const app = failing(world, (what) =>
    what === 'transaction' && left-- > 0 ? errorOf('CONNECTION_CLOSED') : undefined,
  )
  const finisher = createFinisher(
    {
      ...app,
      metrics: { ...app.metrics, count: (name) => void counted.push(name), observe: () => {} },
      queue: {
        ...app.queue,
        ring: async (rings) => {
          for (const { n } of rings) rung += n
        },
      },
    },
    () => true,
  )
  for (const [at, outcome] of given.entries()) finisher.add(at < 2 ? outcome : { ...outcome, ending: 'threw' })
  await finisher.idle()
  expect(left).toBeLessThan(0)
  expect(await states(world)).toEqual([
    ['succeeded', null],
    ['succeeded', null],
    ['queued', null],
    ['queued', null],
  ])
  expect(counted.filter((name) => name === 'stint_jobs_finished_total')).toHaveLength(2)
  expect(counted).not.toContain('stint_stints_fenced_total')
  expect(rung).toBe(2)
})
