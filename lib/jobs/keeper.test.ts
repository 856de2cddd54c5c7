import { expect } from 'vitest'
import { z } from 'zod'
import * as events from '../../db/queries/events.ts'
import * as jobLogs from '../../db/queries/job-logs.ts'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, echo, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { claim } from './claim.ts'
import { defineJob, FencedError } from './define.ts'
import { createFinisher } from './finisher.ts'
import { createKeeper } from './keeper.ts'
import { Stint } from './stint.ts'

const talker = (talk: (log: Parameters<Parameters<typeof defineJob>[0]['run']>[0]['log']) => void) =>
  defineJob({
    kind: 'test.talker',
    summary: 'Talks',
    input: z.object({}),
    output: z.null(),
    async *run({ log }) {
      talk(log)
      return null
    },
  })

test('what a job logs is kept in its order, also right before it ends, whatever it holds', async ({ world }) => {
  const circle: Record<string, unknown> = { big: 10n }
  circle['self'] = circle
  const kind = talker((log) => {
    log.info('first', { n: 1 })
    log.warn('nul \0 and half a character \ud800', circle)
    log.error('last')
  })
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.talker', input: '{}' }])
  await invoke(createEngine(world.app, [kind]))
  const lines = await jobLogs.list(world.sql, id, 0, 10)
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['info', 'first'],
    ['warn', 'nul  and half a character \ufffd'],
    ['error', 'last'],
  ])
  expect(lines[0]?.data).toEqual({ n: 1 })
})

test('an error that a job logs is kept with its stack, as the message and within the data; whatever else is no text, as text', async ({
  world,
}) => {
  const error = new TypeError('no such host', { cause: new Error('asked in vain') })
  const kind = talker((log) => {
    // Node runs TypeScript without looking at the types, and people log what they caught.
    const loose = log as unknown as { error(message?: unknown, data?: unknown): void }
    loose.error(error)
    loose.error('in vain', { error, of: [error] })
    loose.error('in vain', error)
    loose.error({ status: 503 })
    loose.error()
  })
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.talker', input: '{}' }])
  await invoke(createEngine(world.app, [kind]))
  const stack = expect.stringMatching(
    /^TypeError: no such host\n +at .*keeper\.test\.ts:\d.*caused by: Error: asked in vain/s,
  )
  const lines = await jobLogs.list(world.sql, id, 0, 10)
  expect(lines.map(({ message, data }) => [message, data])).toEqual([
    [stack, null],
    ['in vain', { error: stack, of: [stack] }],
    ['in vain', stack],
    ['{"status":503}', null],
    ['undefined', null],
  ])
})

test('of a line with more data than a list could show, its size is kept', async ({ world }) => {
  let deep: Record<string, unknown> = {}
  for (let depth = 0; depth < 20_000; depth++) deep = { deep }
  const kind = talker((log) => {
    log.info('large', { text: 'x'.repeat(70_000) })
    log.info('deep', deep)
  })
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.talker', input: '{}' }])
  await invoke(createEngine(world.app, [kind]))
  const lines = await jobLogs.list(world.sql, id, 0, 10)
  expect(lines.map(({ message }) => message)).toEqual(['large', 'deep'])
  expect(lines[0]?.data).toEqual({ omittedBytes: 70_011 })
  expect(JSON.stringify(lines[1]?.data).length).toBeLessThan(5_000)
})

test('a job that logs without end keeps its first thousand lines and not the memory of its process, nor the lines of others', async ({
  world,
}) => {
  const kind = defineJob({
    kind: 'test.talker',
    summary: 'Talks',
    input: z.object({ lines: z.int() }),
    output: z.null(),
    async *run({ input, log }) {
      for (let i = 0; i < input.lines; i++) log.debug(`line ${i}`)
      return null
    },
  })
  const inputs = [5_000, 1].map((lines) => ({ kind: 'test.talker', input: JSON.stringify({ lines }) }))
  const [endless = '', brief = ''] = await insertJobs(world.app, inputs)
  await invoke(createEngine(world.app, [kind]))
  const kept = await jobLogs.list(world.sql, endless, 0, 10_000)
  expect(kept.slice(0, 1_000).map((it) => it.message)).toEqual(Array.from({ length: 1_000 }, (_, i) => `line ${i}`))
  expect(kept.slice(1_000)).toMatchObject([{ level: 'warn', message: expect.stringContaining('dropped') }])
  expect(await jobLogs.list(world.sql, brief, 0, 10)).toMatchObject([{ message: 'line 0' }])
})

test('a kind’s own writes are refused once another stint holds its job, and leave nothing behind', async ({
  world,
}) => {
  await world.sql`CREATE TABLE scratch (stint integer)`
  const seen: unknown[] = []
  const kind = defineJob({
    kind: 'test.writer',
    summary: 'Writes',
    input: z.object({}),
    output: z.null(),
    async *run({ job, fenced }) {
      await fenced((tx) => tx`INSERT INTO scratch VALUES (1)`)
      await world.sql`UPDATE jobs SET stint = stint + 1 WHERE id = ${job.id}`
      await fenced((tx) => tx`INSERT INTO scratch VALUES (2)`).catch((error) => {
        seen.push(error)
        throw error
      })
      return null
    },
  })
  await insertJobs(world.app, [{ kind: 'test.writer', input: '{}' }])
  await invoke(createEngine(world.app, [kind]))
  expect(seen[0]).toBeInstanceOf(FencedError)
  expect(await world.sql`SELECT stint FROM scratch`).toEqual([{ stint: 1 }])
  expect(await world.sql`SELECT state, stint FROM jobs`).toEqual([{ state: 'running', stint: 2 }])
})

test('text and data that hold backslashes are kept as they are, and cost no other job its lines', async ({ world }) => {
  const texts = ['\\u0000', 'C:\\udbase', '\\', '"', 'plain', '😀']
  const kind = talker((log) => {
    for (const text of texts) log.info(text, { [text]: text })
  })
  await insertJobs(world.app, [{ kind: 'test.talker', input: '{}' }])
  await invoke(createEngine(world.app, [kind]))
  const lines = await world.sql`SELECT message, data FROM job_logs ORDER BY id`
  expect(lines).toEqual(texts.map((text) => ({ message: text, data: { [text]: text } })))
})

test('a progress next to nothing keeps no job of the process from saving its safe points', async ({ world }) => {
  const small = defineJob({
    kind: 'test.small',
    summary: 'Has hardly begun',
    input: z.object({}),
    output: z.null(),
    checkpoint: z.object({}),
    async *run() {
      yield { checkpoint: {}, progress: 1e-50, durable: true }
      return null
    },
  })
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.small', input: '{}' }])
  await invoke(createEngine(world.app, [small]))
  expect(await jobs.find(world.sql, id)).toMatchObject({ state: 'succeeded', attempt: 1 })
})

test('safe points that could not be saved are tried again, and no others', async ({ world }) => {
  let away = true
  const sql = new Proxy(world.sql, {
    apply: (target, _, args) => (away ? Promise.reject(new Error('away')) : Reflect.apply(target, undefined, args)),
  })
  const { engine } = world.app.config
  const config = { ...world.app.config, engine: { ...engine, safePointSeconds: 0.05 } }
  await insertJobs(world.app, [{}, {}])
  const jobs = await claim(world.app, {
    queue: 'default',
    limit: 2,
    free: [{ kind: echo, slots: 2 }],
    suspects: 'either',
  })
  const time = { totalMs: 600_000, remainingMs: () => 600_000 }
  const [told, silent] = jobs.map((job) => new Stint(job, echo, time))
  if (!told || !silent) throw new Error('nothing was claimed')
  told.pass({ progress: 0.5 })
  const keeper = createKeeper({ ...world.app, sql, config }, new Set([told, silent]))
  await expect.poll(() => world.logged.join()).toContain('safe points could not be saved')
  away = false
  const typesOf = async ({ job }: Stint) => (await events.list(world.sql, job.id, 0, 10)).map((it) => it.type)
  await expect.poll(() => typesOf(told)).toContain('job.progressed')
  keeper.stop()
  expect(await typesOf(silent)).toEqual(['job.queued', 'job.started'])
})

/** As `echo`, with text to go on from. */
const keeping = { ...echo, checkpoint: z.string() }

/** What the statements of an app that match hold, in characters, each. */
const sizesOf = (sql: World['sql'], matching: string, sizes: number[]): World['sql'] =>
  new Proxy(sql, {
    apply: (target, _, args) => {
      const [text] = args
      if (Array.isArray(text) && text.join().includes(matching)) sizes.push(args.flat().join('').length)
      return Reflect.apply(target, undefined, args)
    },
  })

test('safe points of megabytes each, and the outcomes after them, are written by several statements', async ({
  world,
}) => {
  const [saves, settles]: [number[], number[]] = [[], []]
  const sql = sizesOf(sizesOf(world.sql, 'job.progressed', saves), 'INSERT INTO stints', settles)
  const ids = await insertJobs(
    world.app,
    Array.from({ length: 20 }, () => ({})),
  )
  const claimed = await claim(world.app, {
    queue: 'default',
    limit: 20,
    free: [{ kind: echo, slots: 20 }],
    suspects: 'either',
  })
  const time = { totalMs: 600_000, remainingMs: () => 600_000 }
  const stints = claimed.map((job) => new Stint(job, keeping, time))
  const large = { checkpoint: 'x'.repeat(1_000_000) }
  for (const stint of stints) stint.pass(large)
  const keeper = createKeeper({ ...world.app, sql }, new Set(stints))
  await expect.poll(() => saves.length).toBeGreaterThan(1)
  keeper.stop()
  expect(Math.max(...saves)).toBeLessThan(17_000_000)

  const finisher = createFinisher({ ...world.app, sql }, () => true)
  for (const stint of stints) finisher.add(stint.yielded())
  await finisher.idle()
  expect(settles.length).toBeGreaterThan(1)
  expect(Math.max(...settles)).toBeLessThan(17_000_000)
  expect(
    await world.sql`SELECT count(*)::integer AS jobs FROM jobs WHERE state = 'queued' AND length(checkpoint::text) = 1000002`,
  ).toEqual([{ jobs: ids.length }])
})

test('of the safe points of all jobs no more become text than one statement saves', async ({ world }) => {
  let texts = 0
  const textsByThen: number[] = []
  const sql = new Proxy(world.sql, {
    apply: (target, _, args) => {
      if (Array.isArray(args[0]) && args[0].join().includes('job.progressed')) textsByThen.push(texts)
      return Reflect.apply(target, undefined, args)
    },
  })
  await insertJobs(
    world.app,
    Array.from({ length: 20 }, () => ({})),
  )
  const wish = { queue: 'default', limit: 20, free: [{ kind: echo, slots: 20 }], suspects: 'either' } as const
  const time = { totalMs: 600_000, remainingMs: () => 600_000 }
  const stints = (await claim(world.app, { ...wish, free: [...wish.free] })).map((job) => new Stint(job, keeping, time))
  const toJSON = () => {
    texts++
    return 'x'.repeat(1_000_000)
  }
  for (const stint of stints) stint.pass({ checkpoint: { toJSON } })
  const keeper = createKeeper({ ...world.app, sql }, new Set(stints))
  await expect.poll(() => textsByThen).toHaveLength(2)
  keeper.stop()
  expect(textsByThen).toEqual([17, 20])
})

test('lines whose answer was lost are written once, and those after them too', async ({ world }) => {
  let answers = 0
  const isLost = () => ++answers === 1
  const sql = new Proxy(world.sql, {
    apply: (target, _, args) => {
      const statement = Reflect.apply(target, undefined, args)
      if (!Array.isArray(args[0]) || !args[0].join().includes('INSERT INTO job_logs') || !isLost()) return statement
      return statement.then(() => {
        throw Object.assign(new Error('write CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' })
      })
    },
  })
  const [id = ''] = await insertJobs(world.app, [{}])
  const [job] = await claim(world.app, {
    queue: 'default',
    limit: 1,
    free: [{ kind: echo, slots: 1 }],
    suspects: 'either',
  })
  if (!job) throw new Error('nothing was claimed')
  const keeper = createKeeper({ ...world.app, sql, clock: { now: () => 0 } }, new Set())
  const log = keeper.logFor(new Stint(job, echo, { totalMs: 600_000, remainingMs: () => 600_000 }))
  log.info('first')
  log.info('second')
  await expect(keeper.flushLogs()).rejects.toThrow('CONNECTION_CLOSED')
  log.info('second')
  log.info('third')
  await keeper.flushLogs()
  keeper.stop()
  const lines = await jobLogs.list(world.sql, id, 0, 10)
  expect(lines.map(({ message }) => message)).toEqual(['first', 'second', 'second', 'third'])
})

/** A stint that runs, and the keeper of an app that extends leases often. */
const withHeartbeats = async ({ app }: World, sql: World['sql'] = app.sql) => {
  await insertJobs(app, [{}])
  const [job] = await claim(app, { queue: 'default', limit: 1, free: [{ kind: echo, slots: 1 }], suspects: 'either' })
  if (!job) throw new Error('nothing was claimed')
  const stint = new Stint(job, echo, { totalMs: 600_000, remainingMs: () => 600_000 })
  const config = { ...app.config, engine: { ...app.config.engine, heartbeatSeconds: 0.05 } }
  return { stint, often: { ...app, sql, config } }
}

const leaseOf = async ({ sql }: World, { job }: Stint): Promise<number> =>
  (await sql`SELECT lease_until FROM jobs WHERE id = ${job.id}`)[0]?.['leaseUntil'].getTime()

test('leases are renewed although a heartbeat before got no answer', async ({ world }) => {
  let unanswered = 0
  const sql = new Proxy(world.sql, {
    apply: (target, _, args) => {
      const isHeartbeat = Array.isArray(args[0]) && args[0].join().includes('SET lease_until')
      return isHeartbeat && ++unanswered === 1 ? new Promise(() => {}) : Reflect.apply(target, undefined, args)
    },
  })
  const { stint, often } = await withHeartbeats(world, sql)
  const before = await leaseOf(world, stint)
  const keeper = createKeeper(often, new Set([stint]))
  await expect.poll(() => leaseOf(world, stint)).toBeGreaterThan(before)
  keeper.stop()
  expect(stint.fenced).toBe(false)
})

test('the lease of a job that has ended is renewed until its outcome can be written', async ({ world }) => {
  let isAway = true
  const sql = new Proxy(world.sql, {
    apply: (target, _, args) =>
      isAway && Array.isArray(args[0]) && args[0].join().includes('INSERT INTO stints')
        ? Promise.reject(Object.assign(new Error('away'), { code: 'ECONNRESET' }))
        : Reflect.apply(target, undefined, args),
  })
  const { stint, often } = await withHeartbeats(world, sql)
  const before = await leaseOf(world, stint)
  const finisher = createFinisher(often, () => true)
  finisher.add(stint.returned({ value: 1 }))
  const keeper = createKeeper(often, new Set(), finisher.unwritten)
  await expect.poll(() => leaseOf(world, stint)).toBeGreaterThan(before)
  expect(finisher.unwritten.size).toBe(1)
  isAway = false
  await finisher.idle()
  keeper.stop()
  expect(finisher.unwritten.size).toBe(0)
  expect(await world.sql`SELECT state FROM jobs`).toEqual([{ state: 'succeeded' }])
})
