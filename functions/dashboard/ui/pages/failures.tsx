import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import type { AnswerOf, CallOf } from '../../../../lib/client/api.ts'
import type { Api } from '../../../http/api.ts'
import { api } from '../data/client.ts'
import { projectQuery } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { Action } from '../parts/action.tsx'
import { Empty } from '../parts/empty.tsx'
import { count, quantity } from '../parts/format.ts'
import { say } from '../parts/notices.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { Time } from '../parts/time.tsx'

type Group = AnswerOf<Api['GET /failures']>['body']['items'][number]
type Query = CallOf<Api['GET /failures']>['query']

const SPANS = [
  [1, '24 hours'],
  [7, '7 days'],
  [30, '30 days'],
] as const
const SHOWN_JOBS = 5

/** Failed jobs, grouped by cause. */
export const FailuresPage = () => {
  const days = useSignal<(typeof SPANS)[number][0]>(7)
  const query = { ...projectQuery.value, days: days.value }
  const { data, problem, reload } = useQuery(`failures ${JSON.stringify(query)}`, (signal) =>
    api.call('GET /failures', { query, signal }),
  )
  return (
    <Page
      title="Failures"
      lead="Jobs of the same kind and error code are grouped if their messages differ only in numbers, ids and quoted names."
      actions={<Tabs label="Time range" tabs={SPANS} chosen={days} />}
    >
      <Pending data={data} problem={problem} lines={5} />
      {data?.items.length === 0 && <Empty title="No failures in this time range." />}
      {data && data.items.length > 0 && (
        <ul class="cards">
          {data.items.map((it) => (
            <GroupCard key={it.fingerprint} group={it} query={query} reload={reload} />
          ))}
        </ul>
      )}
    </Page>
  )
}

/** The latest jobs that are of the group by now. */
const idsOf = async (query: Query, { fingerprint }: Group): Promise<string[]> => {
  const { items } = await api.call('GET /failures', { query })
  return items.find((it) => it.fingerprint === fingerprint)?.jobIds ?? []
}

const GroupCard = ({ group, query, reload }: { group: Group; query: Query; reload: () => Promise<void> }) => {
  const retry = async (): Promise<void> => {
    // An answer names a hundred jobs. Those that fail anew are in it again: if there are no others, the cause is still there.
    const tried = new Set<string>()
    let retried = 0
    for (let left = group.jobIds; left.length > 0 && tried.size < group.count; left = await idsOf(query, group)) {
      const ids = left.filter((id) => !tried.has(id))
      if (ids.length === 0) break
      retried += (await api.call('POST /jobs/retry', { body: { ids } })).retried
      for (const id of ids) tried.add(id)
    }
    say(`Retrying ${quantity(retried, 'job')}.`)
    await reload()
  }
  return (
    <li class="card failure">
      <div class="card-head">
        <h2>
          <code>{group.code || 'failed'}</code>{' '}
          <a href={`/dashboard/jobs?state=failed&kind=${group.kind}`}>{group.kind}</a>
        </h2>
        <Action run={retry}>Retry {group.count > 1 && `all ${count(group.count)}`}</Action>
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
