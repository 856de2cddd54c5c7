import { useSignal } from '@preact/signals'
import type { AnswerOf } from '../../../../../lib/client/api.ts'
import { cancelAll } from '../../../../../lib/client/cancel-all.ts'
import type { Api } from '../../../../http/api.ts'
import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { Action } from '../../parts/action.tsx'
import { count, duration, quantity } from '../../parts/format.ts'
import { say } from '../../parts/notices.tsx'
import { Pending } from '../../parts/pending.tsx'
import { isSure } from '../../parts/question.tsx'

type QueueName = AnswerOf<Api['GET /queues']>['body']['items'][number]['name']
type Load = AnswerOf<Api['GET /queues/{queue}/load']>['body']['items'][number]

/** All jobs of the queue are counted for it. */
const EVERY_MS = 10_000

/** Whose jobs fill a queue, for an admin who asks. */
export const QueueLoad = ({ queue }: { queue: QueueName }) => {
  const open = useSignal(false)
  return (
    <details
      onToggle={(event) => {
        open.value = event.currentTarget.open
      }}
    >
      <summary>Whose jobs</summary>
      {open.value && <Loads queue={queue} />}
    </details>
  )
}

const Loads = ({ queue }: { queue: QueueName }) => {
  const { data, problem, reload } = useQuery(
    `load ${queue}`,
    (signal) => api.call('GET /queues/{queue}/load', { params: { queue }, signal }),
    { everyMs: EVERY_MS, pauseMs: EVERY_MS },
  )
  return (
    <>
      <Pending data={data} problem={problem} lines={3} />
      {data?.items.length === 0 && <p class="soft">No job waits or runs in it.</p>}
      <ul class="rows">
        {data?.items.map((it) => (
          <LoadRow key={`${it.projectId} ${it.kind}`} queue={queue} load={it} reload={reload} />
        ))}
      </ul>
    </>
  )
}

const LoadRow = ({ queue, load, reload }: { queue: QueueName; load: Load; reload: () => Promise<void> }) => {
  const { projectId, projectName, ownerEmail, kind, queued, delayed, running, oldestDueSeconds } = load
  const name = projectName ?? 'Stint itself'
  const drain = async (): Promise<void> => {
    const title = `Cancel what waits of ${kind} in “${name}”${ownerEmail ? ` of ${ownerEmail}` : ''}?`
    if (!(await isSure(title, 'Running jobs go on. Who owns the jobs can retry them.', 'Cancel them'))) return
    const request = { params: { queue }, body: { projectId, kind } }
    const cancelled = await cancelAll(() => api.call('POST /queues/{queue}/drain', request))
    say(`Cancelled ${quantity(cancelled, 'job')}.`)
    await reload()
  }
  return (
    <li>
      <p>
        <b dir="auto">{name}</b> {kind}
        <br />
        {ownerEmail && (
          <small>
            <bdi>{ownerEmail}</bdi>
            <br />
          </small>
        )}
        <small>
          {count(queued)} queued, {count(delayed)} delayed, {count(running)} running
          {oldestDueSeconds !== null && `; longest wait ${duration(oldestDueSeconds * 1_000)}`}
        </small>
      </p>
      {projectName !== null && queued + delayed > 0 && (
        <Action run={drain} kind="quiet" label={`Cancel what waits of ${kind} in ${name}`}>
          Cancel
        </Action>
      )}
    </li>
  )
}
