import { expect, test } from 'vitest'
import type { JobSummary } from '../../data/job.ts'
import { afterEvent, noteOf, ranFor } from './row.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()

const job = (rest: Partial<JobSummary>) =>
  ({ state: 'queued', attempt: 1, stint: 0, runMs: 0, startAt: at(-60), stintStartedAt: null, ...rest }) as JobSummary

test('a job ran for as long as workers had it, and no longer', () => {
  const began = { startedAt: at(-3_600), stintStartedAt: at(-10), runMs: 5_000 }
  expect(ranFor(job({ ...began, state: 'running' }), NOW)).toBe(15_000)
  expect(ranFor(job({ ...began, state: 'queued' }), NOW)).toBe(5_000)
  expect(ranFor(job({ ...began, state: 'succeeded', finishedAt: at(0) }), NOW)).toBe(5_000)
  // The clocks of two machines.
  expect(ranFor(job({ ...began, state: 'running', stintStartedAt: at(2) }), NOW)).toBe(5_000)
})

test('a job that is not due yet says when it will be', () => {
  expect(noteOf(job({ startAt: at(600) }), NOW)).toBe('due in 10 min')
  expect(noteOf(job({ startAt: at(30), attempt: 2, stint: 1 }), NOW)).toBe('attempt 2, due in 30 s')
  expect(noteOf(job({ startAt: at(-5) }), NOW)).toBeUndefined()
  expect(noteOf(job({ startAt: at(600), state: 'cancelled' }), NOW)).toBeUndefined()
})

test('a job that runs again says how often it did', () => {
  expect(noteOf(job({ state: 'running', stint: 3 }), NOW)).toBe('3 stints')
  expect(noteOf(job({ state: 'running', stint: 3, attempt: 2 }), NOW)).toBe('attempt 2')
  expect(noteOf(job({ state: 'running', stint: 3, cancelRequestedAt: at(-1) }), NOW)).toBe('stopping')
})

test('a job that the list has no more is as its events tell', () => {
  const told = (job: JobSummary, type: string, data: object, seconds: number) =>
    afterEvent(job, {
      type: `job.${type}`,
      data: { ...data },
      createdAt: at(seconds),
      jobId: 'a',
      projectId: 'p',
      seq: 1,
      xid: 1,
    })
  const started = told(job({ startedAt: null }), 'started', { stint: 1 }, -10)
  expect(started).toMatchObject({ state: 'running', stint: 1, startedAt: at(-10), stintStartedAt: at(-10) })
  const retried = told(started, 'retried', { stint: 1, attempt: 2, startAt: at(60), progress: 0.4 }, -4)
  expect(retried).toMatchObject({ state: 'queued', attempt: 2, startAt: at(60), progress: 0.4, runMs: 6_000 })
  const error = { code: 'TIMEOUT', message: 'Too long' }
  expect(told(retried, 'failed', { error }, 0)).toMatchObject({
    state: 'failed',
    error,
    finishedAt: at(0),
    runMs: 6_000,
  })
  expect(told(started, 'progressed', { progress: 0.5 }, 0)).toMatchObject({ state: 'running', progress: 0.5, runMs: 0 })
})
