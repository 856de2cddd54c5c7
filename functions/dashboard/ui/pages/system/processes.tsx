import { useSignal } from '@preact/signals'
import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { Action } from '../../parts/action.tsx'
import { Pending } from '../../parts/pending.tsx'
import { isSure } from '../../parts/question.tsx'
import { Time } from '../../parts/time.tsx'
import { LogDialog } from './log-dialog.tsx'

type Process = AnswerOf<Api['GET /system/processes']>['body']['items'][number]
type ProcessAction = Process['actions'][number]

/** The state of a job whose colour each state of a process has. */
const COLOURS = { up: 'succeeded', down: 'failed', stopped: 'cancelled' } as const
const NAMES = { start: 'Start', stop: 'Stop', restart: 'Restart' } as const
const TOLD = {
  stop: 'Whatever needs it waits until it is started again.',
  restart: 'Jobs that run there continue elsewhere from their last checkpoint.',
} as const
const POLL_MS = 2_000

/** The processes of the stack on this machine, to restart, stop and start them and to read their logs. */
export const Processes = () => {
  const { data, problem, reload } = useQuery('processes', (signal) => api.call('GET /system/processes', { signal }), {
    everyMs: POLL_MS,
    still: true,
  })
  const logOf = useSignal<string | undefined>(undefined)
  return (
    <section class="card" aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      <Pending data={data} problem={problem} lines={5} />
      <ul class="rows">
        {data?.items.map((it) => (
          <Row
            key={it.name}
            process={it}
            reload={reload}
            showLog={async () => {
              logOf.value = it.name
            }}
          />
        ))}
      </ul>
      {logOf.value && (
        <LogDialog
          name={logOf.value}
          close={() => {
            logOf.value = undefined
          }}
        />
      )}
    </section>
  )
}

const Row = ({
  process,
  reload,
  showLog,
}: {
  process: Process
  reload: () => Promise<void>
  showLog: () => Promise<void>
}) => {
  const act = async (action: ProcessAction): Promise<void> => {
    const title = `${NAMES[action]} ${process.name}?`
    if (action !== 'start' && !(await isSure(title, TOLD[action], `${NAMES[action]} it`))) return
    await api.call(`POST /system/processes/{name}/${action}`, { params: { name: process.name } })
    await reload()
  }
  return (
    <li>
      <div>
        <p>{process.name}</p>
        <small>{factsOf(process)}</small>
      </div>
      <span class="state" data-state={COLOURS[process.state]}>
        {process.state}
      </span>
      <div class="actions">
        {process.actions.map((action) => (
          <Action key={action} run={() => act(action)} label={`${NAMES[action]} ${process.name}`}>
            {NAMES[action]}
          </Action>
        ))}
        <Action run={showLog} kind="quiet" label={`Log of ${process.name}`}>
          Log
        </Action>
      </div>
    </li>
  )
}

const factsOf = ({ pid, port, startedAt, restarts }: Process) => (
  <>
    {pid !== null && `process ${pid}`}
    {port !== null && `, port ${port}`}
    {startedAt && (
      <>
        , started <Time at={startedAt} />
      </>
    )}
    {restarts > 0 && `, started again ${restarts === 1 ? 'once' : `${restarts} times`}`}
  </>
)
