import type { JobSummary } from '../../data/job.ts'
import { relative } from '../../parts/format.ts'

/** What its state alone doesn't say. */
export const noteOf = (job: JobSummary, now: number): string | undefined => {
  if (job.state === 'running' && job.cancelRequestedAt) return 'stopping'
  const due = job.state === 'queued' && Date.parse(job.startAt) > now ? `due ${relative(job.startAt, now)}` : undefined
  if (job.attempt > 1) return [`attempt ${job.attempt}`, due].filter(Boolean).join(', ')
  return due ?? (job.stint > 1 ? `${job.stint} stints` : undefined)
}

/** Milliseconds in which a worker had it: its stints that ended, and the one that runs. */
export const ranFor = (job: JobSummary, now: number): number => {
  if (job.state !== 'running' || !job.stintStartedAt) return job.runMs
  return job.runMs + Math.max(0, now - Date.parse(job.stintStartedAt))
}
