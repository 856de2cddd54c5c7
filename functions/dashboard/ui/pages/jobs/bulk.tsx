import type { Signal } from '@preact/signals'
import { hasEnded } from '../../../../../lib/jobs/states.ts'
import { api } from '../../data/client.ts'
import type { JobSummary } from '../../data/job.ts'
import { Action } from '../../parts/action.tsx'
import { quantity } from '../../parts/format.ts'
import { say } from '../../parts/notices.tsx'

/** What can be done with all chosen jobs at once. */
export const JobBulk = ({
  jobs,
  chosen,
  reload,
}: {
  jobs: JobSummary[]
  chosen: Signal<ReadonlySet<string>>
  reload: () => Promise<void>
}) => {
  const some = jobs.filter((job) => chosen.value.has(job.id))
  if (some.length === 0) return null
  const live = some.filter((job) => !hasEnded(job.state))
  const again = some.filter((job) => ['failed', 'cancelled'].includes(job.state))

  const cancel = async (): Promise<void> => {
    const { cancelled } = await api.call('POST /jobs/cancel', { body: { ids: live.map((job) => job.id) } })
    say(`Cancelled ${quantity(cancelled, 'job')}. Running jobs stop at their next safe point.`)
    await reload()
  }
  const retry = async (): Promise<void> => {
    const { retried } = await api.call('POST /jobs/retry', { body: { ids: again.map((job) => job.id) } })
    say(`Retrying ${quantity(retried, 'job')}.`)
    chosen.value = new Set()
    await reload()
  }
  return (
    <section class="bulk" aria-label="Selected jobs">
      <p>{some.length} selected</p>
      <Action run={cancel} disabled={live.length === 0}>
        Cancel {live.length || ''}
      </Action>
      <Action run={retry} disabled={again.length === 0}>
        Retry {again.length || ''}
      </Action>
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          chosen.value = new Set()
        }}
      >
        Done
      </button>
    </section>
  )
}
