import type { LiveEvent } from '../../../../../lib/client/live.ts'
import { hasEnded, STATE_AFTER } from '../../../../../lib/jobs/states.ts'
import type { JobSummary } from '../../data/job.ts'
import { relative } from '../../parts/format.ts'

/** What the state alone doesn't tell. */
export const noteOf = (job: JobSummary, now: number): string | undefined => {
  if (job.state === 'running' && job.cancelRequestedAt) return 'stopping'
  const due = job.state === 'queued' && Date.parse(job.startAt) > now ? `due ${relative(job.startAt, now)}` : undefined
  if (job.attempt > 1) return [`attempt ${job.attempt}`, due].filter(Boolean).join(', ')
  return due ?? (job.stint > 1 ? `${job.stint} stints` : undefined)
}

/** How long it ran, in milliseconds: its ended stints and the one that runs. */
export const ranFor = (job: JobSummary, now: number): number => {
  if (job.state !== 'running' || !job.stintStartedAt) return job.runMs
  return job.runMs + Math.max(0, now - Date.parse(job.stintStartedAt))
}

/** A job as it is after an event, as far as the event says. For jobs that the list no longer contains. */
export const afterEvent = (job: JobSummary, { type, createdAt, data = {} }: LiveEvent): JobSummary => {
  const told = data as Partial<Pick<JobSummary, 'progress' | 'stint' | 'attempt' | 'startAt' | 'error'>>
  const state = STATE_AFTER[type] ?? job.state
  const isStopped = job.state === 'running' && state !== 'running'
  return {
    ...job,
    state,
    progress: told.progress ?? job.progress,
    stint: told.stint ?? job.stint,
    attempt: told.attempt ?? job.attempt,
    startAt: told.startAt ?? job.startAt,
    runMs: isStopped ? ranFor(job, Date.parse(createdAt)) : job.runMs,
    ...(type === 'job.started' && { startedAt: job.startedAt ?? createdAt, stintStartedAt: createdAt }),
    ...(hasEnded(state) && { finishedAt: createdAt, error: told.error ?? null }),
  }
}
