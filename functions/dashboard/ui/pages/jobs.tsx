import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { api } from '../data/client.ts'
import { projectQuery } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Pager } from '../parts/pager.tsx'
import { Pending } from '../parts/pending.tsx'
import { useTopOf } from '../parts/scroll.ts'
import { UUID } from '../parts/values/scalar.tsx'
import { JobBulk } from './jobs/bulk.tsx'
import { readFilter } from './jobs/filter.ts'
import { JobFilters } from './jobs/filters.tsx'
import { useSteadyRows } from './jobs/steady-rows.ts'
import { JobTable } from './jobs/table.tsx'

const PAGE_SIZE = 50

/** All jobs that the person may see, newest first. */
export const JobsPage = () => {
  const { query } = useLocation()
  const filter = readFilter(query)
  const cursor = query['cursor']
  const chosen = useSignal<ReadonlySet<string>>(new Set())
  const asked = { ...projectQuery.value, ...filter, cursor, limit: PAGE_SIZE }
  const key = `jobs ${JSON.stringify(asked)}`
  const { data, problem, reload } = useQuery(key, (signal) => api.call('GET /jobs', { query: asked, signal }))
  const rows = useSteadyRows(key, data?.items, { isFirstPage: cursor === undefined, hold: chosen.value.size > 0 })
  const isFiltered = Object.keys(filter).length > 0
  // Another page of the list begins at its top.
  useTopOf(cursor)

  return (
    <Page title="Jobs">
      <JobFilters filter={filter} />
      <Pending data={data} problem={problem} lines={12} />
      {rows.newer > 0 && (
        <button type="button" class="button newer" onClick={rows.show}>
          {rows.newer === 1 ? '1 new job' : `${rows.newer}${rows.newer >= PAGE_SIZE ? ' or more' : ''} new jobs`}
        </button>
      )}
      {data && rows.shown.length === 0 && (
        <NoJobs
          isFiltered={isFiltered}
          text={filter.text}
          isFirstPage={cursor === undefined}
          hasMore={data.nextCursor !== null}
        />
      )}
      {rows.shown.length > 0 && <JobTable jobs={rows.shown} chosen={chosen} />}
      {data && <Pager nextCursor={data.nextCursor} older={rows.shown.length === 0 ? 'Search older jobs' : 'Older'} />}
      <JobBulk jobs={rows.shown} chosen={chosen} reload={reload} />
    </Page>
  )
}

interface NoJobsProps {
  isFiltered: boolean
  text: string | undefined
  isFirstPage: boolean
  /** One request looks at a limited number of jobs. Even if it found none, there may be more further back. */
  hasMore: boolean
}

const NoJobs = ({ isFiltered, text, isFirstPage, hasMore }: NoJobsProps) => {
  // No job has its own id in its input. But somebody who has an id has no other field to type it into.
  if (text !== undefined && UUID.test(text.toLowerCase())) {
    return (
      <Empty title="No job has this id in its name or input.">
        <a class="button primary" href={`/dashboard/jobs/${text}`}>
          Open the job with this id
        </a>
      </Empty>
    )
  }
  if (hasMore) return <Empty title="None found yet.">Older jobs have not been searched yet.</Empty>
  if (!isFirstPage) return <Empty title="No more jobs." />
  if (isFiltered) return <Empty title="No matching jobs.">Remove a filter to see more.</Empty>
  return (
    <Empty title="No jobs yet.">
      <p>A job is a piece of work, of milliseconds or of days.</p>
      <a class="button primary" href="/dashboard/new">
        Submit the first one
      </a>
    </Empty>
  )
}
