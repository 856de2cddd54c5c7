import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import * as stints from '../../db/queries/stints.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { cancelJob } from './cancel.ts'
import { defineJob, type SharedJobContext } from './define.ts'
import { endLeasesOf } from './sweep.ts'

const doing = (run: (context: SharedJobContext<object, unknown>) => AsyncGenerator<object, null, void>) =>
  defineJob({ kind: 'test.doing', summary: 'Does it', input: z.object({}), output: z.null(), run })

const neighbour = (until: () => Promise<unknown>) =>
  defineJob({
    kind: 'test.neighbour',
    summary: 'Runs beside it',
    input: z.object({}),
    output: z.null(),
    async *run() {
      yield {}
      await until()
      return null
    },
  })

const lost = async (): Promise<never> => {
  await sleep(1)
  throw new TypeError('nobody looks')
}

test('a promise that is rejected while nobody awaits it ends its job’s attempt, and no other', async ({
  world: { app, sql },
}) => {
  const aborted = Promise.withResolvers<void>()
  const careless = doing(async function* ({ signal, log }) {
    log.info('about to lose one')
    void lost()
    await once(signal, 'abort')
    aborted.resolve()
    return null
  })
  const [id = '', other = ''] = await insertJobs(app, [
    { kind: 'test.doing', input: '{}', maxAttempts: 1 },
    { kind: 'test.neighbour', input: '{}' },
  ])
  await invoke(createEngine(app, [careless, neighbour(() => aborted.promise)]))
  const error = { code: 'UNAWAITED_REJECTION', message: 'a promise that nobody awaited was rejected: nobody looks' }
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'failed', attempt: 1, error })
  expect(await jobs.find(sql, other)).toMatchObject({ state: 'succeeded', stint: 1 })
  expect(await stints.list(sql, id, 0, 10)).toMatchObject([
    { outcome: 'failed', stack: expect.stringContaining('unawaited.test.ts') },
  ])
  // They were written before the attempt was over: behind it none is taken.
  expect(await sql`SELECT message FROM job_logs`).toEqual([{ message: 'about to lose one' }])
})

test('a job that gives its result all the same gives none', async ({ world: { app, sql } }) => {
  const careless = doing(async function* () {
    void Promise.reject(new Error('nobody looks'))
    await sleep(50)
    return null
  })
  const [id = ''] = await insertJobs(app, [{ kind: 'test.doing', input: '{}', maxAttempts: 1 }])
  await invoke(createEngine(app, [careless]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'failed', result: null })
})

test('a job that does not notice has its process ended when the others are done', async ({ world: { app, sql } }) => {
  const exits: string[] = []
  const careless = doing(async function* () {
    void lost()
    await new Promise(() => {})
    return null
  })
  const [id = '', other = ''] = await insertJobs(app, [
    { kind: 'test.doing', input: '{}', maxAttempts: 1 },
    { kind: 'test.neighbour', input: '{}' },
  ])
  const untilFailed = () => expect.poll(async () => (await jobs.find(sql, id))?.state).toBe('failed')
  await invoke(createEngine({ ...app, exit: (reason) => void exits.push(reason) }, [careless, neighbour(untilFailed)]))
  expect(await jobs.find(sql, id)).toMatchObject({ error: { code: 'UNAWAITED_REJECTION' } })
  expect(await jobs.find(sql, other)).toMatchObject({ state: 'succeeded', stint: 1 })
  expect(exits).toHaveLength(1)
})

test('what a stopped job leaves behind is rejected by its own signal, and is no failure', async ({
  world: { app, sql },
}) => {
  const began = Promise.withResolvers<void>()
  const ahead = doing(async function* ({ signal }) {
    const next = sleep(3_600_000, undefined, { signal })
    began.resolve()
    await once(signal, 'abort')
    yield {}
    await next
    return null
  })
  const [id = ''] = await insertJobs(app, [{ kind: 'test.doing', input: '{}' }])
  const invoked = invoke(createEngine(app, [ahead]))
  await began.promise
  await cancelJob(app, id)
  await invoked
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'cancelled', attempt: 1, error: null })
})

test('what is rejected when its job has ended harms nobody, and is logged', async ({ world: { app, sql, logged } }) => {
  const go = Promise.withResolvers<void>()
  const late = doing(async function* () {
    void go.promise.then(lost)
    return null
  })
  const [id = '', other = ''] = await insertJobs(app, [
    { kind: 'test.doing', input: '{}' },
    { kind: 'test.neighbour', input: '{}' },
  ])
  const afterwards = async () => {
    await expect.poll(async () => (await jobs.find(sql, id))?.state).toBe('succeeded')
    go.resolve()
    await expect.poll(() => logged.filter((line) => line.includes('nobody looks'))).toHaveLength(1)
  }
  await invoke(createEngine(app, [late, neighbour(afterwards)]))
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded' })
  expect(await jobs.find(sql, other)).toMatchObject({ state: 'succeeded', stint: 1 })
})

test('a job that was fenced off writes no outcome for it, and is waited for', async ({ world: { app, sql } }) => {
  const began = Promise.withResolvers<void>()
  const ended: string[] = []
  const careless = doing(async function* ({ job, signal }) {
    if (job.stint > 1) return null
    began.resolve()
    await once(signal, 'abort')
    void lost()
    await sleep(500)
    ended.push('the first stint')
    return null
  })
  const often = { ...app, config: { ...app.config, engine: { ...app.config.engine, watchSeconds: 0.05 } } }
  const [id = ''] = await insertJobs(app, [{ kind: 'test.doing', input: '{}' }])
  const invoked = invoke(createEngine(often, [careless]), { budget: 1 })
  await began.promise
  await endLeasesOf(app, [app.instance])
  await invoked
  expect(ended).toEqual(['the first stint'])
  expect((await stints.list(sql, id, 0, 10))[0]).toMatchObject({ stint: 1, outcome: 'crashed' })
})
