import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { api } from '../../data/client.ts'
import { useKinds } from '../../data/kinds.ts'
import { useTargetProject } from '../../data/projects.ts'
import { isPlaced } from '../../forms/placed.ts'
import { resolved } from '../../forms/resolve.ts'
import { emptyOf, type Schema } from '../../forms/schema.ts'
import { SchemaFields } from '../../forms/schema-form.tsx'
import { useSubmission } from '../../forms/submission.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Problem } from '../../parts/problem.tsx'

type Values = Record<string, unknown>

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
      description: 'Cancels a job that has not started so long after its time',
    },
  },
})

/** A new schedule: its times, its kind of job, and the input. */
export const ScheduleDialog = ({ close }: { close: () => void }) => {
  const { kinds } = useKinds()
  const project = useTargetProject()
  const form = useRef<HTMLFormElement>(null)
  const values = useSignal<Values>({ timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone })
  const inputs = useSignal<Record<string, Values>>({})
  const name = String(values.value['kind'] ?? '')
  const kind = kinds.find((it) => it.kind === name)
  const schema = kind && resolved(kind.input as Schema)
  const input = inputs.value[name] ?? (schema ? emptyOf(schema) : {})

  const { submit, busy, errors, problem } = useSubmission(async () => {
    const { name, cron, kind, ...rest } = values.value as Partial<Timing>
    const given = { name: name ?? '', cron: cron ?? '', kind: kind ?? '' }
    const body = { ...rest, ...given, input, ...(project && { projectId: project.id }) }
    await api.call('POST /schedules', { body })
    close()
  })
  return (
    <Dialog title="New schedule" close={close}>
      <form class="dialog-form" onSubmit={submit} ref={form} noValidate>
        <SchemaFields
          schema={timing(kinds.map((it) => it.kind))}
          path=""
          values={values.value}
          errors={new Map([...errors].map(([path, message]) => [`.${path}`, message]))}
          onChange={(changed) => {
            values.value = changed
          }}
        />
        {schema && (
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
        )}
        {!isPlaced(form.current, errors) && <Problem problem={problem} />}
        <button type="submit" class="button primary" disabled={busy} aria-busy={busy}>
          Create schedule
        </button>
      </form>
    </Dialog>
  )
}
