import { expect, test } from 'vitest'
import type { LiveEvent } from '../../lib/client/live.ts'
import { apply } from './watch.ts'

const told = (type: string, data: Record<string, unknown>): LiveEvent => ({ type, data }) as LiveEvent

test('a job that is tried again says why, until it starts, and one that failed for ever', () => {
  const job = { id: '1', label: 'a', state: 'running' as const, progress: 0.5, stint: 1, error: null }
  const error = { code: 'Error', message: 'the shop answered 503' }
  apply(job, told('job.retried', { stint: 1, attempt: 2, progress: 0.5, error }))
  expect(job).toMatchObject({ state: 'queued', progress: 0.5, error })
  apply(job, told('job.started', { stint: 2, attempt: 2 }))
  expect(job).toMatchObject({ state: 'running', stint: 2, error: null })
  apply(job, told('job.failed', { stint: 2, error }))
  expect(job).toMatchObject({ state: 'failed', error })
})
