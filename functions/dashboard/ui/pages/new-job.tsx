import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { api } from '../data/client.ts'
import type { JobKind } from '../data/job.ts'
import { useKinds } from '../data/kinds.ts'
import { useProjects } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Said } from '../parts/said.tsx'
import { Skeleton } from '../parts/skeleton.tsx'
import { JobForm } from './new-job/form.tsx'

/** A new job: first its kind, then the kind's fields. A copy of another job begins with that job's input. */
export const NewJobPage = () => {
  const { query, route } = useLocation()
  const from = query['from']
  const { kinds, problem } = useKinds()
  const projects = useProjects()
  const model = useQuery(
    `model ${from ?? ''}`,
    async (signal) =>
      from ? (await api.call('GET /jobs/{jobId}', { params: { jobId: from }, signal })).job : undefined,
    { still: true },
  )
  // Until the projects are known, the job would go to another project than the chosen one.
  const isPlaceKnown = projects.data !== undefined || projects.problem !== undefined
  const isWaiting = kinds.length === 0 || !isPlaceKnown || (from !== undefined && !model.data && !model.problem)
  const name = query['kind'] ?? model.data?.kind ?? kinds[0]?.kind
  const kind = kinds.find((it) => it.kind === name)

  return (
    <Page title={from ? 'Run again' : 'New job'}>
      <Problem problem={problem ?? model.problem} />
      {isWaiting && !problem && <Skeleton lines={6} />}
      {!isWaiting && (
        <div class="new-job">
          <Kinds
            kinds={kinds}
            chosen={name}
            choose={(it) => route(`/dashboard/new?${new URLSearchParams({ kind: it, ...(from && { from }) })}`, true)}
          />
          {!kind && (
            <Empty title={`There is no kind ${name}.`}>
              <p>Choose one of these.</p>
            </Empty>
          )}
          {kind && (
            <JobForm
              key={`${kind.kind} ${from ?? ''}`}
              kind={kind}
              model={model.data?.kind === kind.kind ? model.data : undefined}
            />
          )}
        </div>
      )}
    </Page>
  )
}

/** More of them are looked for by what one types. */
const MAX_KINDS_AT_A_GLANCE = 15

const Kinds = ({
  kinds,
  chosen,
  choose,
}: {
  kinds: JobKind[]
  chosen: string | undefined
  choose: (kind: string) => void
}) => {
  const text = useSignal('')
  const wanted = text.value.trim().toLowerCase()
  const fits = (it: JobKind): boolean => `${it.kind} ${it.summary}`.toLowerCase().includes(wanted)
  const shown = kinds.filter((it) => it.kind === chosen || fits(it))
  return (
    <fieldset class="kinds">
      <legend>Kind</legend>
      {kinds.length > MAX_KINDS_AT_A_GLANCE && (
        <input
          type="search"
          aria-label="Find a kind"
          placeholder={`Find one of ${kinds.length}`}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value
          }}
        />
      )}
      {shown.map((it) => (
        <label key={it.kind}>
          <input
            type="radio"
            name="kind"
            value={it.kind}
            checked={it.kind === chosen}
            onChange={() => choose(it.kind)}
          />
          <span>
            <b>{it.kind}</b>
            <small>
              <Said text={it.summary} />
            </small>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
