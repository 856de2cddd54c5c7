import type { ComponentChildren } from 'preact'
import { api } from '../../data/client.ts'
import type { Job } from '../../data/job.ts'
import { useProjects } from '../../data/projects.ts'
import { useQuery } from '../../data/query.ts'
import { duration, instant, quantity } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'
import { Time } from '../../parts/time.tsx'
import { ranFor } from '../jobs/row.ts'

export const JobFacts = ({ job }: { job: Job }) => {
  const { projects } = useProjects()
  return (
    <section class="card" aria-label="Facts">
      <dl class="facts">
        <Fact name="Kind">
          <a href={`/dashboard/jobs?kind=${job.kind}`}>{job.kind}</a>
        </Fact>
        <Fact name="Queue">{job.queue}</Fact>
        <Fact name="Project">{projects.find((it) => it.id === job.projectId)?.name ?? '…'}</Fact>
        <Fact name="Queued">
          <Moment at={job.queuedAt} />
        </Fact>
        {job.submittedBy && (
          <Fact name="Submitted by">
            <a href={`/dashboard/jobs/${job.submittedBy}`}>
              <span class="mono">{job.submittedBy.slice(-12)}</span>
            </a>
          </Fact>
        )}
        <Submitted job={job} />
        {job.expiresAt && !job.startedAt && (
          <Fact name={job.error?.code === 'EXPIRED' ? 'Expired' : 'Expires'}>
            <Moment at={job.expiresAt} />
          </Fact>
        )}
        {job.startedAt && (
          <Fact name="Started">
            <Moment at={job.startedAt} />
          </Fact>
        )}
        {job.state === 'running' && job.lastSafePointAt && (
          <Fact name="Last safe point">
            <Moment at={job.lastSafePointAt} />
          </Fact>
        )}
        {job.finishedAt && (
          <Fact name="Ended">
            <Moment at={job.finishedAt} />
          </Fact>
        )}
        <Fact name="Running time">
          {duration(ranFor(job, now.value))} of {duration(job.timeoutSeconds * 1_000)}
        </Fact>
        <Fact name="Attempt">
          {job.attempt} of {job.maxAttempts}
        </Fact>
        <Fact name="Stints">{job.stint}</Fact>
        {job.traceUrl && (
          <Fact name="Trace">
            <a href={job.traceUrl} rel="noreferrer" target="_blank">
              {job.traceId?.slice(0, 8)}…
            </a>
          </Fact>
        )}
        {job.crashes > 0 && <Fact name="Crashes in a row">{job.crashes}</Fact>}
        {job.priority !== 0 && <Fact name="Priority">{job.priority}</Fact>}
        {job.tags.length > 0 && (
          <Fact name="Tags">
            {job.tags.map((tag) => (
              <a key={tag} class="tag" href={`/dashboard/jobs?tag=${encodeURIComponent(tag)}`}>
                {tag}
              </a>
            ))}
          </Fact>
        )}
      </dl>
    </section>
  )
}

/** The most that are counted. */
const MAX_COUNTED = 100

/** How many jobs it has submitted, with a link to them. */
const Submitted = ({ job }: { job: Job }) => {
  const { data } = useQuery(`submitted ${job.id}`, (signal) =>
    api.call('GET /jobs', { query: { submittedBy: job.id, limit: MAX_COUNTED }, signal }),
  )
  if (!data || data.items.length === 0) return null
  return (
    <Fact name="Submitted">
      <a href={`/dashboard/jobs?submittedBy=${job.id}`}>
        {data.nextCursor ? `more than ${MAX_COUNTED} jobs` : quantity(data.items.length, 'job', 'jobs')}
      </a>
    </Fact>
  )
}

/** The instant itself too: a phone and a keyboard have no pointer that would show it. */
const Moment = ({ at }: { at: string }) => (
  <>
    <Time at={at} />
    <small>{instant(at)}</small>
  </>
)

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)
