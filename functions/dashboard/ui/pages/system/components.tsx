import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { duration } from '../../parts/format.ts'

type System = AnswerOf<Api['GET /system']>['body']

const NAMES = { postgres: 'PostgreSQL', sqs: 'SQS', s3: 'S3', kafka: 'Kafka' } as const

/** The components that the API depends on, and how fast each answers. */
export const Components = ({ components, postgres }: { components: System['components']; postgres: string | null }) => (
  <section class="card" aria-labelledby="components">
    <h2 id="components">Components</h2>
    <ul class="rows">
      {components.map((it) => (
        <li key={it.name}>
          <div>
            <p>
              {NAMES[it.name]}
              {it.name === 'postgres' && postgres && <small> {postgres}</small>}
            </p>
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
)
