import type { JobState } from '../../db/queries/jobs.ts'

/**
 * What may follow each state. The table's constraint, the picture in docs/state-machine.md and the transitions in
 * `db/queries/outcomes.ts` are checked against this.
 */
export const TRANSITIONS = {
  blocked: ['queued', 'failed', 'cancelled'],
  queued: ['running', 'cancelled'],
  running: ['queued', 'succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: ['queued', 'blocked'],
  cancelled: ['queued', 'blocked'],
} as const satisfies Record<JobState, readonly JobState[]>

export const STATES = Object.keys(TRANSITIONS) as [JobState, ...JobState[]]

/** States in which nothing more happens by itself. */
export const ENDED = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobState[]

export const hasEnded = (state: JobState): state is (typeof ENDED)[number] =>
  (ENDED as readonly JobState[]).includes(state)

/** The state that a job is in after an event; undefined: the same. */
export const STATE_AFTER: Partial<Record<string, JobState>> = {
  'job.blocked': 'blocked',
  'job.queued': 'queued',
  'job.started': 'running',
  'job.retried': 'queued',
  'job.continued': 'queued',
  'job.succeeded': 'succeeded',
  'job.failed': 'failed',
  'job.cancelled': 'cancelled',
}
