import { useSignal } from '@preact/signals'
import type { ItemOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { serialsPages } from '../../../../use-cases/serials-csv.ts'
import { allOf } from '../../data/all-of.ts'
import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { useSubmission } from '../../forms/submission.ts'
import { TextField } from '../../forms/text-field.tsx'
import { Action } from '../../parts/action.tsx'
import { Pending } from '../../parts/pending.tsx'
import { Problem } from '../../parts/problem.tsx'
import { isSure } from '../../parts/question.tsx'

type DeviceModel = ItemOf<Api['GET /device-models']>

/** The device models that a project makes serial numbers for. */
export const DeviceModels = ({ projectId, mayChange }: { projectId: string; mayChange: boolean }) => {
  const { data, problem, reload } = useQuery(
    `device-models ${projectId}`,
    (signal) => allOf(api.each('GET /device-models', { query: { projectId }, signal })),
    { still: true },
  )
  const remove = async ({ id, code }: DeviceModel): Promise<void> => {
    if (!(await isSure(`Delete ${code}?`, 'This is possible as long as it has no serial numbers.', 'Delete it'))) return
    await api.call('DELETE /device-models/{modelId}', { params: { modelId: id } })
    await reload()
  }
  return (
    <section class="card" aria-labelledby="device-models">
      <h2 id="device-models">Device models</h2>
      <Pending data={data} problem={problem} lines={2} />
      {data?.items.length === 0 && (
        <p class="soft">Jobs of the kind serials.generate make serial numbers for a device model. There is none yet.</p>
      )}
      <ul class="rows">
        {data?.items.map((it) => (
          <li key={it.id}>
            <p>
              <code>{it.code}</code> <bdi>{it.name}</bdi>
            </p>
            <Action run={() => saveSerials(it)} kind="quiet">
              Serial numbers
            </Action>
            {mayChange && (
              <Action run={() => remove(it)} kind="quiet">
                Delete
              </Action>
            )}
          </li>
        ))}
      </ul>
      {mayChange && <NewModel projectId={projectId} done={reload} />}
    </section>
  )
}

/** Downloads all serial numbers as one file, however many requests that takes. */
const saveSerials = async ({ id: modelId, code }: DeviceModel): Promise<void> => {
  const route = 'GET /device-models/{modelId}/serial-numbers.csv'
  const pages = serialsPages((query) => api.response(route, { params: { modelId }, query }))
  const parts = await Array.fromAsync(pages, (page) => page.blob())
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }))
  link.download = `${code}-serial-numbers.csv`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), SAVED_WITHIN_MS)
}

/** By then the browser has taken the file. */
const SAVED_WITHIN_MS = 60_000

const NewModel = ({ projectId, done }: { projectId: string; done: () => Promise<void> }) => {
  const code = useSignal('')
  const name = useSignal('')
  const { submit, busy, errors, problem } = useSubmission(async () => {
    await api.call('POST /device-models', { body: { projectId, code: code.value, name: name.value } })
    code.value = ''
    name.value = ''
    await done()
  })
  return (
    <form class="inline-form" onSubmit={submit} noValidate aria-label="New device model">
      <TextField label="Code" name="code" value={code} placeholder="0111" error={errors.get('code')} />
      <TextField label="Name" name="model-name" value={name} placeholder="Thermometer" error={errors.get('name')} />
      <button type="submit" class="button" disabled={busy} aria-busy={busy}>
        Add the model
      </button>
      {errors.size === 0 && <Problem problem={problem} />}
    </form>
  )
}
