import type { AnswerOf } from '../../../../lib/client/api.ts'
import type { Api } from '../../../http/api.ts'
import { api } from '../data/client.ts'
import { projectId } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { user } from '../data/session.ts'
import { Action } from '../parts/action.tsx'
import { count, duration, quantity } from '../parts/format.ts'
import { say } from '../parts/notices.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { isSure } from '../parts/question.tsx'
import { QueueLoad } from './queues/load.tsx'

type Queue = AnswerOf<Api['GET /queues']>['body']['items'][number]

/** Jobs that are retried by one press. */
const REDRIVEN = 1_000

/** The queues of all projects: how many jobs wait in each, and for how long. */
export const QueuesPage = () => {
  const { data, problem, reload } = useQuery('queues', (signal) => api.call('GET /queues', { signal }), {
    everyMs: 3_000,
  })
  return (
    <Page
      title="Queues"
      lead="All projects share these queues. Admins can pause them; maintainers can retry the failed jobs of their project."
    >
      <Pending data={data} problem={problem} lines={6} />
      {data && (
        <ul class="cards three">
          {data.items.map((it) => (
            <QueueCard key={it.name} queue={it} reload={reload} />
          ))}
        </ul>
      )}
    </Page>
  )
}

const QueueCard = ({ queue, reload }: { queue: Queue; reload: () => Promise<void> }) => {
  const isAdmin = user.value?.isAdmin ?? false
  const project = projectId.value
  const params = { queue: queue.name }
  const pause = async (): Promise<void> => {
    await api.call(queue.paused ? 'POST /queues/{queue}/resume' : 'POST /queues/{queue}/pause', { params })
    await reload()
  }
  const redrive = async (): Promise<void> => {
    const title = `Retry the failed jobs of ${project === null ? 'all projects' : 'the project'} in ${queue.name}?`
    const text = `However long ago they failed, the earliest first, up to ${count(REDRIVEN)} of them.`
    if (!(await isSure(title, text, 'Retry them'))) return
    const body = { limit: REDRIVEN, ...(project !== null && { projectId: project }) }
    const { redriven } = await api.call('POST /queues/{queue}/redrive', { params, body })
    const more = redriven < REDRIVEN ? '' : ' More may be left.'
    say(redriven === 0 ? 'No failed jobs are left to retry.' : `Retrying ${quantity(redriven, 'failed job')}.${more}`)
    await reload()
  }
  return (
    <li class="card queue">
      <div class="card-head">
        <h2>{queue.name}</h2>
        {queue.paused && <span class="badge">paused</span>}
      </div>
      <dl class="numbers">
        <Figure name="queued" value={count(queue.queued)} state="queued" />
        <Figure name="running" value={count(queue.running)} state="running" />
        <Figure name="delayed" value={count(queue.delayed)} />
        <Figure
          name="longest wait"
          value={queue.oldestDueSeconds === null ? '–' : duration(queue.oldestDueSeconds * 1_000)}
        />
        <Figure
          name="doorbells in SQS"
          value={queue.sqsVisible === null ? 'SQS can’t be reached' : count(queue.sqsVisible)}
        />
      </dl>
      {queue.countedSecondsAgo > 0 && (
        <p class="soft">Counted {duration(queue.countedSecondsAgo * 1_000)} ago: so many take a while.</p>
      )}
      <div class="actions">
        {isAdmin && <Action run={pause}>{queue.paused ? 'Resume' : 'Pause'}</Action>}
        {(isAdmin || project !== null) && (
          <Action run={redrive} title="Retries failed jobs, oldest failure first">
            {project === null ? 'Redrive failed jobs' : 'Redrive failed jobs of the project'}
          </Action>
        )}
        {!isAdmin && project === null && <p class="soft">Choose a project to redrive its failed jobs.</p>}
      </div>
      {isAdmin && <QueueLoad queue={queue.name} />}
    </li>
  )
}

const Figure = ({ name, value, state }: { name: string; value: string; state?: string }) => (
  <div data-state={state}>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
)
