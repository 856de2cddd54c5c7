import { useLocation } from 'preact-iso'
import { hasEnded } from '../../../../../lib/jobs/states.ts'
import { api } from '../../data/client.ts'
import type { Job } from '../../data/job.ts'
import { know } from '../../data/query.ts'
import { Action } from '../../parts/action.tsx'
import { say } from '../../parts/notices.tsx'
import { now } from '../../parts/now.ts'
import { isSure } from '../../parts/question.tsx'
import { titleOf } from '../jobs/table.tsx'

/** What can be done with a job in its present state. */
export const JobActions = ({ job, reload }: { job: Job; reload: () => Promise<void> }) => {
  const { route } = useLocation()
  const params = { jobId: job.id }
  const isLive = !hasEnded(job.state)
  const canRetry = job.state === 'failed' || job.state === 'cancelled'

  const show = (changed: Omit<Job, 'waitingBecause' | 'lastSafePointAt' | 'traceUrl' | 'stack'>): void =>
    know<{ job: Job }>(`job ${job.id}`, () => ({ job: { ...job, ...changed, stack: null, waitingBecause: null } }))
  const startNow = async (): Promise<void> => {
    show((await api.call('PATCH /jobs/{jobId}', { params, body: { delaySeconds: 0 } })).job)
    await reload()
  }
  const cancel = async (): Promise<void> => {
    const { job: changed } = await api.call('POST /jobs/{jobId}/cancel', { params })
    show(changed)
    if (changed.state === 'running') say('It stops at its next safe point.')
    await reload()
  }
  const retry = async (fromStart: boolean): Promise<void> => {
    show((await api.call('POST /jobs/{jobId}/retry', { params, body: { fromStart } })).job)
    await reload()
  }
  const remove = async (): Promise<void> => {
    const text = 'Its result, log, stints and the files that it made are deleted too.'
    if (!(await isSure(`Delete “${titleOf(job)}”?`, text, 'Delete it'))) return
    await api.call('DELETE /jobs/{jobId}', { params })
    say('Job deleted.')
    // Replaces the job's page in the history, so that Back doesn't lead to a job that is gone.
    route('/dashboard/jobs', true)
  }
  return (
    <>
      {job.state === 'queued' && Date.parse(job.startAt) > now.value && <Action run={startNow}>Start now</Action>}
      {isLive && (
        <Action run={cancel} disabled={job.cancelRequestedAt !== null}>
          {job.cancelRequestedAt ? 'Stopping' : 'Cancel'}
        </Action>
      )}
      {canRetry && (
        <>
          {job.progress > 0 && (
            <Action run={() => retry(true)} title="Runs from the beginning, without the checkpoint">
              Retry from the start
            </Action>
          )}
          <Action run={() => retry(false)} kind="primary" title="Continues from the checkpoint, if there is one">
            Retry
          </Action>
        </>
      )}
      <a class="button" href={`/dashboard/new?from=${job.id}`}>
        Run again
      </a>
      {!isLive && <Action run={remove}>Delete</Action>}
    </>
  )
}
