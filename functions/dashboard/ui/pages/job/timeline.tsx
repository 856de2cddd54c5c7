import { api } from '../../data/client.ts'
import type { Job, Stint } from '../../data/job.ts'
import { useTail } from '../../data/tail.ts'
import { duration, instant } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'
import { Problem } from '../../parts/problem.tsx'
import { Stack } from '../../parts/values/stack.tsx'
import { StintTrack } from './stint-track.tsx'

/** The job's stints: when each ran, for how long, where, and why it ended. */
export const JobTimeline = ({ job }: { job: Job }) => {
  const { items, isCut, problem } = useTail<Stint>(
    `stints ${job.id}`,
    (cursor, signal) =>
      api.call('GET /jobs/{jobId}/stints', { params: { jobId: job.id }, query: { cursor, limit: 100 }, signal }),
    { job: job.id },
  )
  return (
    <section class="card" aria-labelledby="stints">
      <h2 id="stints">Stints</h2>
      <Problem problem={problem} />
      {items === undefined && !problem && <p class="soft">…</p>}
      {items?.length === 0 && <p class="soft">It has not run yet.</p>}
      {items !== undefined && items.length > 0 && (
        <>
          <StintTrack job={job} stints={items} />
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <ol class="stints" tabIndex={0} aria-labelledby="stints">
            {items.toReversed().map((stint) => (
              <Line
                key={stint.stint}
                stint={stint}
                previous={items.find((it) => it.stint === stint.stint - 1)}
                job={job}
              />
            ))}
          </ol>
        </>
      )}
      {isCut && <p class="soft">Only the latest stints are shown. The API returns all of them.</p>}
    </section>
  )
}

const Line = ({ stint, previous, job }: { stint: Stint; previous: Stint | undefined; job: Job }) => {
  const waitedMs = Date.parse(stint.startedAt) - Date.parse(previous?.endedAt ?? job.queuedAt)
  const ranMs = stint.runMs ?? (stint.endedAt ? Date.parse(stint.endedAt) : now.value) - Date.parse(stint.startedAt)
  return (
    <li data-outcome={stint.outcome ?? 'running'}>
      <span class="stint-number">{stint.stint}</span>
      <div>
        <p>
          <strong>{outcomes[stint.outcome ?? 'running'] ?? stint.outcome}</strong>
          {stint.attempt > 1 && <small> attempt {stint.attempt}</small>}
        </p>
        {stint.error && (
          <p class="why-line">
            <code>{stint.error.code}</code> {stint.error.message}
          </p>
        )}
        <Stack text={stint.stack} />
        <small title={instant(stint.startedAt)}>
          waited {duration(Math.max(0, waitedMs))}, ran {duration(Math.max(0, ranMs))}
          {stint.worker && ` in ${shortWorker(stint.worker)}`}
        </small>
      </div>
    </li>
  )
}

/** Why a stint ended, in words. */
const outcomes: Record<string, string> = {
  running: 'Running',
  succeeded: 'Finished the job',
  continued: 'Stopped at a safe point; the next stint continues there',
  retried: 'Failed; will be retried',
  postponed: 'Asked to continue later',
  failed: 'Failed',
  cancelled: 'Cancelled',
  crashed: 'Lost with its process',
}

/** The name of the process, without the part that differs at each start. */
const shortWorker = (worker: string): string => worker.replace(/-[0-9a-f]{8}-[0-9a-f-]{27}$/, '')
