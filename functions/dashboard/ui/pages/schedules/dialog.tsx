import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { api } from '../../data/client.ts'
import { useKinds } from '../../data/kinds.ts'
import { useTargetProject } from '../../data/projects.ts'
import { FileProject } from '../../forms/file-project.ts'
import { isPlaced } from '../../forms/placed.ts'
import { resolved } from '../../forms/resolve.ts'
import { emptyOf, type Schema } from '../../forms/schema.ts'
import { SchemaFields } from '../../forms/schema-form.tsx'
import { useSubmission } from '../../forms/submission.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Problem } from '../../parts/problem.tsx'

type Values = Record<string, unknown>

/** With its input. */
export type FullSchedule = AnswerOf<Api['GET /schedules/{scheduleId}']>['body']['schedule']

interface Timing {
  name: string
  cron: string
  timeZone: string
  kind: string
  expiresInSeconds?: number
}

const timing = (kinds: string[]): Schema => ({
  type: 'object',
  required: ['name', 'cron', 'kind'],
  properties: {
    name: { type: 'string', description: 'Also the name of its jobs' },
    cron: {
      type: 'string',
      example: '30 2 * * *',
      description: 'Minute, hour, day of month, month, day of week',
    },
    timeZone: { type: 'string', example: 'Europe/Berlin', description: 'Default: UTC' },
    kind: { type: 'string', enum: kinds },
    expiresInSeconds: {
      type: 'integer',
      minimum: 1,
      description: 'Cancels a job that has not started this long after it was due',
    },
  },
})

/** A schedule, new or changed: its times, its kind of job, and the input. */
export const ScheduleDialog = ({ schedule, close }: { schedule?: FullSchedule; close: () => void }) => {
  const { kinds } = useKinds()
  const project = useTargetProject()
  const form = useRef<HTMLFormElement>(null)
  const values = useSignal<Values>(
    schedule ? timingOf(schedule) : { timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  )
  const inputs = useSignal<Record<string, Values>>(schedule ? { [schedule.kind]: schedule.input as Values } : {})
  const name = String(values.value['kind'] ?? '')
  const kind = kinds.find((it) => it.kind === name)
  const schema = kind && resolved(kind.input as Schema)
  const input = inputs.value[name] ?? (schema ? emptyOf(schema) : {})

  const { submit, busy, errors, problem } = useSubmission(async () => {
    const { name, cron, kind, ...rest } = values.value as Partial<Timing>
    const given = { name: name ?? '', cron: cron ?? '', kind: kind ?? '' }
    if (schedule) {
      const wanted = {
        ...given,
        timeZone: rest.timeZone ?? 'UTC',
        expiresInSeconds: rest.expiresInSeconds ?? null,
        input,
      }
      const params = { scheduleId: schedule.id }
      await api.call('PATCH /schedules/{scheduleId}', { params, body: changes(schedule, wanted) })
    } else {
      const body = { ...rest, ...given, input, ...(project && { projectId: project.id }) }
      await api.call('POST /schedules', { body })
    }
    close()
  })
  return (
    <Dialog title={schedule ? 'Edit schedule' : 'New schedule'} close={close}>
      <form class="dialog-form" onSubmit={submit} ref={form} noValidate>
        <SchemaFields
          schema={timing(kinds.map((it) => it.kind))}
          path=""
          values={values.value}
          errors={errors}
          onChange={(changed) => {
            values.value = changed
          }}
        />
        {schema && (
          <FileProject.Provider value={schedule?.projectId ?? project?.id}>
            <SchemaFields
              key={name}
              schema={schema}
              path="input"
              values={input}
              errors={errors}
              onChange={(changed) => {
                inputs.value = { ...inputs.value, [name]: changed }
              }}
            />
          </FileProject.Provider>
        )}
        {!isPlaced(form.current, errors) && <Problem problem={problem} />}
        <button type="submit" class="button primary" disabled={busy} aria-busy={busy}>
          {schedule ? 'Save' : 'Create schedule'}
        </button>
      </form>
    </Dialog>
  )
}

const timingOf = ({ name, cron, timeZone, kind, expiresInSeconds }: FullSchedule): Values => ({
  ...{ name, cron, timeZone, kind },
  ...(expiresInSeconds !== null && { expiresInSeconds }),
})

/** Only what differs: a change of its times, even to the same, lets a tick go that is due just now. */
const changes = <Wanted extends Partial<FullSchedule>>(schedule: FullSchedule, wanted: Wanted): Partial<Wanted> =>
  Object.fromEntries(
    Object.entries(wanted).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(schedule[name as keyof FullSchedule]),
    ),
  ) as Partial<Wanted>
