import type { JobState } from '../../../../../db/queries/jobs.ts'
import type { Job, Stint } from '../../data/job.ts'
import { duration, quantity } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'

/** The state of a job whose colour each outcome of a stint has. */
const COLOURS: Record<string, JobState> = {
  succeeded: 'succeeded',
  failed: 'failed',
  crashed: 'failed',
  retried: 'failed',
  cancelled: 'cancelled',
}

/** The job's time from its submission to its end: when it ran, and when it waited. */
export const StintTrack = ({ job, stints }: { job: Job; stints: Stint[] }) => {
  const from = Date.parse(job.queuedAt)
  const to = Math.max(from + 1, job.finishedAt ? Date.parse(job.finishedAt) : now.value)
  const partOf = (time: number): number => ((Math.min(to, time) - from) / (to - from)) * 100
  return (
    <figure class="track" aria-label={`${quantity(stints.length, 'stint')} in ${duration(to - from)}`}>
      <div>
        {stints.map((stint) => {
          const left = partOf(Date.parse(stint.startedAt))
          const right = partOf(stint.endedAt ? Date.parse(stint.endedAt) : to)
          return (
            <i
              key={stint.stint}
              data-state={COLOURS[stint.outcome ?? ''] ?? 'running'}
              title={`Stint ${stint.stint}`}
              style={{ left: `${left}%`, width: `${Math.max(0.4, right - left)}%` }}
            />
          )
        })}
      </div>
      <figcaption>
        <span>queued</span>
        <span>{duration(to - from)}</span>
      </figcaption>
    </figure>
  )
}
