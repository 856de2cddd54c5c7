import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import type { ItemOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { api } from '../../data/client.ts'
import { Action } from '../../parts/action.tsx'
import { duration, instant, relative, shortInstant } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'
import { isSure } from '../../parts/question.tsx'
import { Time } from '../../parts/time.tsx'
import { type FullSchedule, ScheduleDialog } from './dialog.tsx'

type Schedule = ItemOf<Api['GET /schedules']>

export const ScheduleCard = ({ schedule, reload }: { schedule: Schedule; reload: () => Promise<void> }) => {
  const edited = useSignal<FullSchedule | undefined>(undefined)
  const edit = async (): Promise<void> => {
    edited.value = await wholeOf(schedule)
  }
  return (
    <li class="card schedule" data-paused={schedule.paused}>
      <div class="card-head">
        <h2>{schedule.name}</h2>
        <Actions schedule={schedule} reload={reload} edit={edit} />
      </div>
      <p class="soft">
        <a href={`/dashboard/jobs?kind=${schedule.kind}`}>{schedule.kind}</a> · <code>{schedule.cron}</code> ·{' '}
        {schedule.timeZone}
        {schedule.expiresInSeconds !== null && (
          <> · its jobs expire after {duration(schedule.expiresInSeconds * 1_000)}</>
        )}
      </p>
      <NextRuns schedule={schedule} />
      <LastRun schedule={schedule} />
      {schedule.error && (
        <p class="job-error">
          <code>{schedule.error.code}</code> {schedule.error.message}
        </p>
      )}
      {edited.value && (
        <ScheduleDialog
          schedule={edited.value}
          close={() => {
            edited.value = undefined
            void reload()
          }}
        />
      )}
    </li>
  )
}

interface ActionsProps {
  schedule: Schedule
  reload: () => Promise<void>
  edit: () => Promise<void>
}

const Actions = ({ schedule, reload, edit }: ActionsProps) => {
  const { route } = useLocation()
  const params = { scheduleId: schedule.id }
  const runNow = async (): Promise<void> => {
    const { job } = await api.call('POST /jobs', { body: toJob(await wholeOf(schedule)) })
    route(`/dashboard/jobs/${job.id}`)
  }
  const setPaused = async (paused: boolean): Promise<void> => {
    await api.call('PATCH /schedules/{scheduleId}', { params, body: { paused } })
    await reload()
  }
  const remove = async (): Promise<void> => {
    const what = 'It submits no more jobs. The jobs it has submitted stay.'
    if (!(await isSure(`Delete “${schedule.name}”?`, what, 'Delete it'))) return
    await api.call('DELETE /schedules/{scheduleId}', { params })
    await reload()
  }
  return (
    <div class="actions">
      <Action run={runNow} title="Submits a job like its next one; its times stay as they are">
        Run now
      </Action>
      <Action run={edit}>Edit</Action>
      <Action run={() => setPaused(!schedule.paused)}>{schedule.paused ? 'Resume' : 'Pause'}</Action>
      <Action run={remove} kind="quiet">
        Delete
      </Action>
    </div>
  )
}

/** With its input, which lists leave out. */
const wholeOf = async ({ id }: Schedule): Promise<FullSchedule> =>
  (await api.call('GET /schedules/{scheduleId}', { params: { scheduleId: id } })).schedule

/** A job like those that it submits. */
const toJob = (schedule: FullSchedule) => {
  const { projectId, kind, name, input, priority, tags, maxAttempts, timeoutSeconds, expiresInSeconds } = schedule
  return {
    ...{ projectId, kind, name, input, priority, tags },
    ...(maxAttempts !== null && { maxAttempts }),
    ...(timeoutSeconds !== null && { timeoutSeconds }),
    ...(expiresInSeconds !== null && { expiresInSeconds }),
  }
}

const NextRuns = ({ schedule: { nextRuns, timeZone } }: { schedule: Schedule }) => {
  const [next, ...later] = nextRuns
  return (
    <p>
      {next === undefined ? (
        <span class="soft">Paused: it submits no jobs.</span>
      ) : (
        <>
          Next <strong>{relative(next, now.value)}</strong>{' '}
          <span class="soft">
            {shortInstant(next, timeZone)}
            {later.map((it, nth) => (
              <time key={it} dateTime={it} title={instant(it)}>
                {' · '}
                {laterInstant(it, nextRuns[nth] ?? it, timeZone)}
              </time>
            ))}
          </span>
        </>
      )}
    </p>
  )
}

const LastRun = ({ schedule: { lastRunAt, lastJobId } }: { schedule: Schedule }) =>
  lastRunAt && (
    <p class="soft">
      Last <Time at={lastRunAt} />
      {lastJobId && (
        <>
          : <a href={`/dashboard/jobs/${lastJobId}`}>its job</a>
        </>
      )}
    </p>
  )

/** Only the time if it is on the same day as the one before. */
const laterInstant = (time: string, before: string, timeZone: string): string => {
  const [text, other] = [shortInstant(time, timeZone), shortInstant(before, timeZone)]
  const day = text.slice(0, text.lastIndexOf(','))
  return other.startsWith(day) ? text.slice(day.length + 2) : text
}
