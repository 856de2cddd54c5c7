import { useRoute } from 'preact-iso'
import { api } from '../data/client.ts'
import { useQuery } from '../data/query.ts'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { Problem } from '../parts/problem.tsx'
import { JsonCard } from '../parts/values/json.tsx'
import { ResultCard } from '../parts/values/result.tsx'
import { JobActions } from './job/actions.tsx'
import { JobFacts } from './job/facts.tsx'
import { JobLogs } from './job/logs.tsx'
import { JobRelatives } from './job/relatives.tsx'
import { JobStatus } from './job/status.tsx'
import { JobTimeline } from './job/timeline.tsx'
import { titleOf } from './jobs/table.tsx'

/** Everything about one job, updated as it happens. */
export const JobPage = () => {
  const id = useRoute().params['id'] ?? ''
  const { data, problem, reload } = useQuery(
    `job ${id}`,
    (signal) => api.call('GET /jobs/{jobId}', { params: { jobId: id }, signal }),
    { job: id },
  )
  const job = data?.job
  if (!job) {
    return (
      <Page title="Job">
        <Pending data={data} problem={problem} lines={8} />
      </Page>
    )
  }
  const shown = job.result ?? job.partial
  return (
    <Page
      title={titleOf(job)}
      lead={<span class="mono">{job.id}</span>}
      actions={<JobActions job={job} reload={reload} />}
    >
      <Problem problem={problem} />
      <JobStatus job={job} />
      <div class="columns">
        <div class="column">
          {shown !== null && <ResultCard job={job} value={shown} isPartial={job.result === null} />}
          <JobRelatives job={job} />
          <JobTimeline job={job} />
          <JobLogs job={job} />
        </div>
        <div class="column aside">
          <JobFacts job={job} />
          <JsonCard title="Input" value={job.input} />
        </div>
      </div>
    </Page>
  )
}
