import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import type { AnswerOf } from '../../../../lib/client/api.ts'
import type { Api } from '../../../http/api.ts'
import { api } from '../data/client.ts'
import { projectQuery } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { Action } from '../parts/action.tsx'
import { Empty } from '../parts/empty.tsx'
import { count, quantity } from '../parts/format.ts'
import { say } from '../parts/notices.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Skeleton } from '../parts/skeleton.tsx'
import { Time } from '../parts/time.tsx'

type Group = AnswerOf<Api['GET /failures']>['body']['items'][number]

const SPANS = [1, 7, 30] as const
const SHOWN_JOBS = 5

/** Failed jobs, grouped by cause. */
export const FailuresPage = () => {
  const days = useSignal<number>(7)
  const query = { ...projectQuery.value, days: days.value }
  const { data, problem, reload } = useQuery(`failures ${JSON.stringify(query)}`, (signal) =>
    api.call('GET /failures', { query, signal }),
  )
  return (
    <Page
      title="Failures"
      lead="Jobs of the same kind and error code are grouped if their messages differ only in numbers, ids and quoted names."
      actions={
        <fieldset class="tabs" aria-label="Time range">
          {SPANS.map((it) => (
            <button
              key={it}
              type="button"
              class="button quiet small"
              aria-pressed={days.value === it}
              onClick={() => {
                days.value = it
              }}
            >
              {it === 1 ? '24 hours' : `${it} days`}
            </button>
          ))}
        </fieldset>
      }
    >
      <Problem problem={problem} />
      {!data && !problem && <Skeleton lines={5} />}
      {data?.items.length === 0 && <Empty title="No failures in this time range." />}
      {data && data.items.length > 0 && (
        <ul class="cards">
          {data.items.map((it) => (
            <GroupCard key={it.fingerprint} group={it} reload={reload} />
          ))}
        </ul>
      )}
    </Page>
  )
}

const GroupCard = ({ group, reload }: { group: Group; reload: () => Promise<void> }) => {
  const retry = async (): Promise<void> => {
    const { retried } = await api.call('POST /jobs/retry', { body: { ids: group.jobIds } })
    say(`Retrying ${quantity(retried, 'job')}.`)
    await reload()
  }
  return (
    <li class="card failure">
      <div class="card-head">
        <h2>
          <code>{group.code || 'failed'}</code> {group.kind}
        </h2>
        <Action run={retry}>
          Retry {group.count > group.jobIds.length ? `the latest ${group.jobIds.length}` : ''}
        </Action>
      </div>
      <p class="message">{group.latestMessage}</p>
      {group.messagesDiffer && (
        <p class="soft">
          Alike: <span class="message">{group.message}</span>
        </p>
      )}
      <p class="soft">
        {group.count === 1 ? 'Once,' : `${count(group.count)} times, last`} <Time at={group.lastAt} />
        {group.count > 1 && (
          <>
            , first <Time at={group.firstAt} />
          </>
        )}
        :{' '}
        {group.jobIds.slice(0, SHOWN_JOBS).map((id, nth) => (
          <Fragment key={id}>
            {nth > 0 && ', '}
            <a href={`/dashboard/jobs/${id}`}>…{id.slice(-6)}</a>
          </Fragment>
        ))}
        {group.count > SHOWN_JOBS && ' …'}
      </p>
    </li>
  )
}
