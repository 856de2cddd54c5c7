import { waitingSentence } from '../../../../../lib/client/waiting-sentence.ts'
import type { Job } from '../../data/job.ts'
import { duration, relative } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'
import { Progress } from '../../parts/progress.tsx'
import { State } from '../../parts/state.tsx'
import { Stack } from '../../parts/values/stack.tsx'

/** The job's state, its progress, and why it waits. */
export const JobStatus = ({ job }: { job: Job }) => (
  <section class="card status" aria-label="Status" data-state={job.state}>
    <div class="status-line">
      <State state={job.state} />
      <p class="soft" aria-live="polite">
        {sentenceOf(job, now.value)}
      </p>
    </div>
    <Progress value={job.progress} state={job.state} label="Progress" />
    {job.error && (
      <p class="job-error">
        <code>{job.error.code}</code> {job.error.message}
      </p>
    )}
    <Stack text={job.stack} />
  </section>
)

const sentenceOf = (job: Job, now: number): string => {
  if (job.state === 'running') {
    if (!job.cancelRequestedAt) return `Stint ${job.stint}${attemptOf(job)}.`
    return job.cancelAcknowledgedAt ? 'It stops at its next safe point.' : 'Its worker is being told to stop.'
  }
  if (job.waitingBecause) return waitingSentence(job.waitingBecause, now, duration)
  if (job.finishedAt) return `${endings[job.state] ?? ''} ${relative(job.finishedAt, now)}.`
  return ''
}

const endings: Partial<Record<Job['state'], string>> = {
  succeeded: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

const attemptOf = (job: Job): string => (job.attempt > 1 ? `, attempt ${job.attempt} of ${job.maxAttempts}` : '')
