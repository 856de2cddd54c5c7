import { api } from '../data/client.ts'
import { useQuery } from '../data/query.ts'
import { duration } from '../parts/format.ts'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Skeleton } from '../parts/skeleton.tsx'

const NAMES = { postgres: 'PostgreSQL', sqs: 'SQS', s3: 'S3', kafka: 'Kafka' } as const

/** What Stint runs on, and whether all of it works. */
export const SystemPage = () => {
  const { data, problem } = useQuery('health', (signal) => api.call('GET /health', { signal }), { everyMs: 5_000 })
  return (
    <Page title="System" lead={data && `Stint ${data.version}, up for ${duration(data.uptimeSeconds * 1_000)}`}>
      <Problem problem={problem} />
      {!data && !problem && <Skeleton lines={4} />}
      {data && (
        <section class="card" aria-labelledby="components">
          <h2 id="components">Components</h2>
          <ul class="rows">
            {data.components.map((it) => (
              <li key={it.name}>
                <div>
                  <p>{NAMES[it.name]}</p>
                  {it.error && <p class="why-line">{it.error}</p>}
                </div>
                <small>{duration(it.latencyMs)}</small>
                <span class="state" data-state={it.status === 'up' ? 'succeeded' : 'failed'}>
                  {it.status}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Page>
  )
}
