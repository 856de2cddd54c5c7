import type { ItemOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { api } from '../../data/client.ts'
import { Action } from '../../parts/action.tsx'
import { duration, instant, relative, shortInstant } from '../../parts/format.ts'
import { now } from '../../parts/now.ts'
import { isSure } from '../../parts/question.tsx'
import { Time } from '../../parts/time.tsx'

type Schedule = ItemOf<Api['GET /schedules']>

export const ScheduleCard = ({ schedule, reload }: { schedule: Schedule; reload: () => Promise<void> }) => {
  const params = { scheduleId: schedule.id }
  const setPaused = async (paused: boolean): Promise<void> => {
    await api.call('PATCH /schedules/{scheduleId}', { params, body: { paused } })
    await reload()
  }
  const remove = async (): Promise<void> => {
    if (
      !(await isSure(
        `Delete “${schedule.name}”?`,
        'It submits no more jobs. The jobs it has submitted stay.',
        'Delete it',
      ))
    )
      return
    await api.call('DELETE /schedules/{scheduleId}', { params })
    await reload()
  }
  const [next, ...later] = schedule.nextRuns
  return (
    <li class="card schedule" data-paused={schedule.paused}>
      <div class="card-head">
        <h2>{schedule.name}</h2>
        <div class="actions">
          <Action run={() => setPaused(!schedule.paused)}>{schedule.paused ? 'Resume' : 'Pause'}</Action>
          <Action run={remove} kind="quiet">
            Delete
          </Action>
        </div>
      </div>
      <p class="soft">
        <a href={`/dashboard/jobs?kind=${schedule.kind}`}>{schedule.kind}</a> · <code>{schedule.cron}</code> ·{' '}
        {schedule.timeZone}
        {schedule.expiresInSeconds !== null && (
          <> · its jobs expire after {duration(schedule.expiresInSeconds * 1_000)}</>
        )}
      </p>
      <p>
        {next === undefined ? (
          <span class="soft">Paused: it submits no jobs.</span>
        ) : (
          <>
            Next <strong>{relative(next, now.value)}</strong>{' '}
            <span class="soft">
              {shortInstant(next, schedule.timeZone)}
              {later.map((it, nth) => (
                <time key={it} dateTime={it} title={instant(it)}>
                  {' · '}
                  {laterInstant(it, schedule.nextRuns[nth] ?? it, schedule.timeZone)}
                </time>
              ))}
            </span>
          </>
        )}
      </p>
      {schedule.lastRunAt && (
        <p class="soft">
          Last <Time at={schedule.lastRunAt} />
          {schedule.lastJobId && (
            <>
              : <a href={`/dashboard/jobs/${schedule.lastJobId}`}>its job</a>
            </>
          )}
        </p>
      )}
      {schedule.error && (
        <p class="job-error">
          <code>{schedule.error.code}</code> {schedule.error.message}
        </p>
      )}
    </li>
  )
}

/** Only the time if it is on the same day as the one before. */
const laterInstant = (time: string, before: string, timeZone: string): string => {
  const [text, other] = [shortInstant(time, timeZone), shortInstant(before, timeZone)]
  const day = text.slice(0, text.lastIndexOf(','))
  return other.startsWith(day) ? text.slice(day.length + 2) : text
}
