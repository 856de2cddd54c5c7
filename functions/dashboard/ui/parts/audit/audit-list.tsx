import { useSignal } from '@preact/signals'
import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { useQuery } from '../../data/query.ts'
import { Action } from '../action.tsx'
import { Pending } from '../pending.tsx'
import { Time } from '../time.tsx'
import { type Entry, sentenceOf } from './sentence.tsx'

type AuditPage = AnswerOf<Api['GET /audit']>['body']

/** The audit log, newest first, with a button for more. */
export const AuditList = ({
  name,
  load,
  nameOf = () => undefined,
}: {
  name: string
  load: (cursor: string | undefined, signal?: AbortSignal) => Promise<AuditPage>
  /** The name of the person that an entry is about. */
  nameOf?: (userId: string) => string | undefined
}) => {
  const newest = useQuery(name, (signal) => load(undefined, signal), { still: true })
  const older = useSignal<AuditPage | undefined>(undefined)
  const last = older.value ?? newest.data
  const entries = [...(newest.data?.items ?? []), ...(older.value?.items ?? [])]

  const more = async (): Promise<void> => {
    const page = await load(last?.nextCursor ?? undefined)
    older.value = { items: [...(older.value?.items ?? []), ...page.items], nextCursor: page.nextCursor }
  }
  return (
    <section class="card" aria-labelledby="audit">
      <h2 id="audit">Audit log</h2>
      <Pending {...newest} lines={4} />
      {newest.data && entries.length === 0 && <p class="soft">Nothing yet. Submitted jobs are not listed here.</p>}
      <ol class="rows audit">
        {entries.map((it) => (
          <Line key={it.id} entry={it} nameOf={nameOf} />
        ))}
      </ol>
      {last?.nextCursor && (
        <div class="actions">
          <Action run={more}>Older</Action>
        </div>
      )}
    </section>
  )
}

const Line = ({ entry, nameOf }: { entry: Entry; nameOf: (userId: string) => string | undefined }) => (
  <li>
    <p>
      <b dir="auto">{entry.userName ?? 'The command line'}</b> {sentenceOf(entry, nameOf)}
    </p>
    <small>
      {entry.apiKeyId && 'by an API key, '}
      {entry.ip && `from ${entry.ip}, `}
      <Time at={entry.createdAt} />
    </small>
  </li>
)
