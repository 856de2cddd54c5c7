import type { Signal } from '@preact/signals'
import type { JobSummary } from '../../data/job.ts'
import { duration } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'
import { Progress } from '../../parts/progress.tsx'
import { State } from '../../parts/state.tsx'
import { Time } from '../../parts/time.tsx'
import { noteOf, ranFor } from './row.ts'

type Chosen = Signal<ReadonlySet<string>>

/** Jobs as rows; on a phone as cards of the same cells. */
export const JobTable = ({ jobs, chosen }: { jobs: JobSummary[]; chosen?: Chosen }) => (
  <div class="table-frame">
    <table class="jobs">
      <thead>
        <tr>
          {chosen && (
            <th class="choose">
              <ChooseAll jobs={jobs} chosen={chosen} />
            </th>
          )}
          <th scope="col">Job</th>
          <th scope="col">State</th>
          <th scope="col">Progress</th>
          <th scope="col" class="queue-name">
            Queue
          </th>
          <th scope="col" class="number ran-for">
            Ran for
          </th>
          <th scope="col" class="number">
            Queued
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <Row key={job.id} job={job} chosen={chosen} />
        ))}
      </tbody>
    </table>
  </div>
)

const Row = ({ job, chosen }: { job: JobSummary; chosen: Chosen | undefined }) => (
  <tr data-job={job.id}>
    {chosen && (
      <td class="choose">
        <input
          type="checkbox"
          aria-label={`Select ${titleOf(job)}`}
          checked={chosen.value.has(job.id)}
          onChange={() => {
            chosen.value = toggled(chosen.value, job.id)
          }}
        />
      </td>
    )}
    <td class="title">
      <a href={`/dashboard/jobs/${job.id}`} title={titleOf(job)}>
        {titleOf(job)}
      </a>
      <small>
        {job.name !== null && <span>{job.kind}</span>}
        {job.tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        {job.error && <span class="why">{job.error.code}</span>}
      </small>
    </td>
    <td>
      <State state={job.state} note={noteOf(job, now.value)} />
    </td>
    <td class="grow">
      <Progress value={job.progress} state={job.state} label={`Progress of ${titleOf(job)}`} />
    </td>
    <td class="soft queue-name">{job.queue}</td>
    <td class="number soft ran-for">{job.startedAt ? duration(ranFor(job, now.value)) : '–'}</td>
    <td class="number soft">
      <Time at={job.queuedAt} />
    </td>
  </tr>
)

const ChooseAll = ({ jobs, chosen }: { jobs: JobSummary[]; chosen: Chosen }) => {
  const isAll = jobs.every((job) => chosen.value.has(job.id))
  return (
    <input
      type="checkbox"
      aria-label="Select all on this page"
      checked={isAll}
      onChange={() => {
        chosen.value = isAll ? new Set() : new Set(jobs.map((job) => job.id))
      }}
    />
  )
}

export const titleOf = (job: Pick<JobSummary, 'name' | 'kind'>): string => job.name ?? job.kind

const toggled = (set: ReadonlySet<string>, id: string): ReadonlySet<string> => {
  const next = new Set(set)
  if (!next.delete(id)) next.add(id)
  return next
}
