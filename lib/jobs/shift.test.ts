import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { createEngine, insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { claim } from './claim.ts'
import { beginShift } from './shift.ts'
import { Stint } from './stint.ts'

test('a job whose claim was under way when the process was told to stop is told so too', async ({ world }) => {
  const app = { ...world.app, stopping: AbortSignal.abort() }
  const [id = ''] = await insertJobs(app, [{ kind: 'debug.noop', input: '{"steps":3,"stepMs":50000}' }])
  const [job] = await claim(app, { queue: 'default', limit: 1, free: [{ kind: debugNoop, slots: 1 }], turn: 'anyone' })
  if (!job) throw new Error('nothing was claimed')
  const time = { totalMs: 600_000, remainingMs: () => 600_000 }
  const shift = beginShift(createEngine(app, [debugNoop]), time)
  shift.start(new Stint(job, debugNoop, time))
  await shift.allEnded()
  await shift.finisher.idle()
  shift.end()
  expect(await jobs.find(world.sql, id)).toMatchObject({ state: 'queued', attempt: 1, error: null })
})
