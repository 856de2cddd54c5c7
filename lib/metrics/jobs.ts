import type { ClaimedJob } from '../../db/queries/claims.ts'
import type { JobState } from '../../db/queries/jobs.ts'
import type { Outcome, Settled } from '../../db/queries/outcomes.ts'
import { hasEnded } from '../jobs/states.ts'
import type { Recorder } from './recorder.ts'

/** How a stint ended, as the table `stints` has it. */
export const STINT_OUTCOMES = [
  'succeeded',
  'continued',
  'retried',
  'postponed',
  'failed',
  'cancelled',
  'crashed',
] as const satisfies readonly string[]

/** Counts jobs that were stored. */
export const countSubmitted = (metrics: Recorder, jobs: { kind: string; queue: string }[]): void => {
  for (const { kind, queue } of jobs) metrics.count('stint_jobs_submitted_total', { kind, queue })
}

/** Counts a claim, and measures how long its jobs had been due. */
export const countClaimed = (metrics: Recorder, queue: string, jobs: ClaimedJob[]): void => {
  metrics.count('stint_claims_total', { queue, result: jobs.length > 0 ? 'some' : 'none' })
  for (const { waitMs } of jobs) metrics.observe('stint_job_wait_seconds', { queue }, waitMs / 1_000)
}

/** Counts those of the jobs that ended. */
export const countFinished = (
  metrics: Recorder,
  jobs: { kind: string; state: JobState; expired?: boolean }[],
): void => {
  for (const { kind, state, expired } of jobs) {
    if (hasEnded(state)) metrics.count('stint_jobs_finished_total', { kind, state })
    if (expired) metrics.count('stint_jobs_expired_total', { kind })
  }
}

/** Counts what was settled: stints, the jobs that ended with them, and the children that ended because of those. */
export const countSettled = (metrics: Recorder, settled: Settled[]): void => {
  countFinished(metrics, settled)
  for (const { kind, state, ending, runMs } of settled) {
    if (!ending) continue
    metrics.count('stint_stints_total', { outcome: outcomeOf(ending, state) })
    if (hasEnded(state)) metrics.observe('stint_job_run_seconds', { kind }, (runMs ?? 0) / 1_000)
  }
}

/** As `db/queries/outcomes.ts` decides it for the table `stints`. */
const outcomeOf = (ending: Outcome['ending'], state: JobState): (typeof STINT_OUTCOMES)[number] => {
  if (ending === 'lost') return 'crashed'
  if (state === 'succeeded' || state === 'failed' || state === 'cancelled') return state
  if (ending === 'threw') return 'retried'
  return ending === 'postponed' ? 'postponed' : 'continued'
}
