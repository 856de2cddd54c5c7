import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { createEngine, hang, insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { claim } from './claim.ts'
import { execute } from './execute.ts'
import { beginShift } from './shift.ts'
import { Stint } from './stint.ts'

test('a job whose claim was under way when the process was told to stop is told so too', async ({ world }) => {
  const app = { ...world.app, stopping: AbortSignal.abort() }
  const [id = ''] = await insertJobs(app, [{ kind: 'debug.noop', input: '{"steps":3,"stepMs":50000}' }])
  const [job] = await claim(app, {
    queue: 'default',
    limit: 1,
    free: [{ kind: debugNoop, slots: 1 }],
    suspects: 'either',
  })
  if (!job) throw new Error('nothing was claimed')
  const time = { totalMs: 600_000, remainingMs: () => 600_000 }
  const shift = beginShift(createEngine(app, [debugNoop]), time)
  shift.start(new Stint(job, debugNoop, time))
  await shift.allEnded()
  await shift.finisher.idle()
  shift.end()
  expect(await jobs.find(world.sql, id)).toMatchObject({ state: 'queued', attempt: 1, error: null })
})

test('a job whose claim took as long as the function had is left to another function', async ({ world }) => {
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.hang', input: '{}' }])
  let remainingMs = 30_000
  const sql = new Proxy(world.sql, {
    apply: (target, _, args) => {
      if (args.flat().join().includes('job.started')) remainingMs = 1_000
      return Reflect.apply(target, undefined, args)
    },
  })
  await execute(createEngine({ ...world.app, sql }), { queue: 'default', budget: 1, remainingMs: () => remainingMs })
  expect(await jobs.find(world.sql, id)).toMatchObject({ state: 'queued', stint: 1, attempt: 1, crashes: 0 })
})

test('who waits again and again for jobs that go on leaves nothing behind with them', async ({ world: { app } }) => {
  const length = 200
  await insertJobs(
    app,
    Array.from({ length }, () => ({ kind: 'test.hang', input: '{}' })),
  )
  const free = [{ kind: hang, slots: length }]
  const claimed = await claim(app, { queue: 'default', limit: length, free, suspects: 'either' })
  const time = { totalMs: 600_000, remainingMs: () => 600_000 }
  const shift = beginShift(createEngine(app), time)
  for (const job of claimed) shift.start(new Stint(job, hang, time))
  const lookTimes = async (times: number) => {
    for (let n = 0; n < times; n += 100) {
      await Promise.all(Array.from({ length: 100 }, () => Promise.all([shift.allEnded(0), shift.oneEnded(0)])))
    }
    return heapBytes()
  }
  const before = await lookTimes(100)
  expect((await lookTimes(1_000)) - before).toBeLessThan(10_000_000)
  expect(shift.running.size).toBe(length)
  shift.end()
})

/** What is left of the heap when it was collected. */
const heapBytes = (): number => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
