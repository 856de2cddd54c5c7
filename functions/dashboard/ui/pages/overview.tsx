import { useSignal } from '@preact/signals'
import { api } from '../data/client.ts'
import { projectQuery } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { Chart } from '../parts/chart.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { counts, durations } from '../parts/scales.ts'
import { Tabs } from '../parts/tabs.tsx'
import { JobTable } from './jobs/table.tsx'
import { Tiles } from './overview/tiles.tsx'

const SPANS = [
  [60, '1 hour'],
  [360, '6 hours'],
  [1_440, '24 hours'],
  [10_080, '7 days'],
] as const

const LATEST = 8

/** The overview: what ended, what waits and runs, and how long jobs take. */
export const OverviewPage = () => {
  const minutes = useSignal<(typeof SPANS)[number][0]>(60)
  const asked = { ...projectQuery.value, minutes: minutes.value }
  const activity = useQuery(`activity ${JSON.stringify(asked)}`, (signal) =>
    api.call('GET /activity', { query: asked, signal }),
  )
  const latest = useQuery(`latest ${JSON.stringify(projectQuery.value)}`, (signal) =>
    api.call('GET /jobs', { query: { ...projectQuery.value, limit: LATEST }, signal }),
  )
  const { data } = activity
  const jobs = latest.data?.items ?? []
  return (
    <Page title="Overview" actions={<Tabs label="Time range" tabs={SPANS} chosen={minutes} />}>
      <Pending {...activity} lines={6} />
      {data && <Tiles activity={data} />}
      {data && <Charts activity={data} />}
      <section class="latest" aria-labelledby="latest">
        <div class="card-head">
          <h2 id="latest">Latest jobs</h2>
          <a href="/dashboard/jobs">All jobs</a>
        </div>
        <Pending {...latest} lines={LATEST} />
        {latest.data && jobs.length === 0 && (
          <Empty title="No jobs yet.">
            <a class="button primary" href="/dashboard/new">
              Submit the first one
            </a>
          </Empty>
        )}
        {jobs.length > 0 && <JobTable jobs={jobs} />}
      </section>
    </Page>
  )
}

type Activity = Awaited<ReturnType<typeof ask>>
const ask = () => api.call('GET /activity')

const Charts = ({ activity: { buckets } }: { activity: Activity }) => {
  const times = buckets.map((it) => Date.parse(it.at) / 1_000)
  return (
    <div class="charts">
      <section class="card" aria-labelledby="ended">
        <h2 id="ended">Jobs that ended</h2>
        <Chart
          title="Jobs that ended, over time"
          times={times}
          scale={counts}
          stacked
          series={[
            { label: 'cancelled', values: buckets.map((it) => it.cancelled), colour: '--state-cancelled' },
            { label: 'failed', values: buckets.map((it) => it.failed), colour: '--state-failed' },
            { label: 'succeeded', values: buckets.map((it) => it.succeeded), colour: '--state-succeeded' },
          ]}
        />
      </section>
      <Durations
        id="waited"
        heading="Waiting time"
        title="How long jobs waited, over time"
        times={times}
        half={buckets.map((it) => it.waitMsP50)}
        most={buckets.map((it) => it.waitMsP95)}
        colour="--state-queued"
      />
      <Durations
        id="ran"
        heading="Run time"
        title="How long jobs ran, over time"
        times={times}
        half={buckets.map((it) => it.runMsP50)}
        most={buckets.map((it) => it.runMsP95)}
        colour="--state-running"
      />
    </div>
  )
}

interface DurationsProps {
  id: string
  heading: string
  title: string
  times: number[]
  /** Milliseconds that half of the jobs, and 95 % of them, took at most. */
  half: (number | null)[]
  most: (number | null)[]
  colour: `--${string}`
}

const Durations = ({ id, heading, title, times, half, most, colour }: DurationsProps) => (
  <section class="card" aria-labelledby={id}>
    <h2 id={id}>{heading}</h2>
    <Chart
      title={title}
      times={times}
      scale={durations}
      series={[
        { label: 'median', values: half, colour },
        { label: '95th percentile', values: most, colour, dashed: true },
      ]}
    />
  </section>
)
