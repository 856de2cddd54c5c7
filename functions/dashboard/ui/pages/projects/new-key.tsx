import { type Signal, useSignal } from '@preact/signals'
import type { Scope } from '../../../../../lib/auth/scopes.ts'
import { api } from '../../data/client.ts'
import { useSubmission } from '../../forms/submission.ts'
import { TextField } from '../../forms/text-field.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Problem } from '../../parts/problem.tsx'
import { CopyButton } from '../../parts/values/json.tsx'

const RESOURCES = ['jobs', 'files', 'schedules', 'catalogue'] as const
const RIGHTS = { none: 'nothing', read: 'read', write: 'read and write' } as const
type Right = keyof typeof RIGHTS
type Rights = Record<(typeof RESOURCES)[number], Right>

const DAY_SECONDS = 86_400
const LIVES = { '': 'never', 30: 'in 30 days', 90: 'in 90 days', 365: 'in a year' } as const

/** A new key: what it may do, and then its secret, once. */
export const NewKeyDialog = ({ projectId, close }: { projectId: string; close: () => void }) => {
  const name = useSignal('')
  const rights = useSignal<Rights>({ jobs: 'write', files: 'none', schedules: 'none', catalogue: 'none' })
  const days = useSignal('')
  const secret = useSignal<string | undefined>(undefined)
  const { submit, busy, errors, problem } = useSubmission(async () => {
    const body = {
      name: name.value,
      scopes: scopesOf(rights.value),
      ...(days.value !== '' && { expiresInSeconds: Number(days.value) * DAY_SECONDS }),
    }
    secret.value = (await api.call('POST /projects/{projectId}/api-keys', { params: { projectId }, body })).secret
  })
  if (secret.value !== undefined) {
    return (
      <Dialog title="API key created" close={close}>
        <Secret secret={secret.value} />
      </Dialog>
    )
  }
  return (
    <Dialog title="New API key" close={close}>
      <form class="dialog-form" onSubmit={submit} noValidate>
        <TextField label="Name" name="key-name" value={name} placeholder="Nightly import" error={errors.get('name')} />
        <fieldset class="rights">
          <legend>Scopes in this project</legend>
          {RESOURCES.map((it) => (
            <RightChoice key={it} resource={it} rights={rights} />
          ))}
          {errors.get('scopes') && <p class="field-error">Select at least one.</p>}
        </fieldset>
        <label class="field">
          <span class="label">Expires</span>
          <select
            name="expires"
            value={days.value}
            onChange={({ currentTarget: it }) => {
              days.value = it.value
            }}
          >
            {Object.entries(LIVES)
              .toSorted(([a], [b]) => Number(a) - Number(b))
              .map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
          </select>
        </label>
        {errors.size === 0 && <Problem problem={problem} />}
        <button type="submit" class="button primary" disabled={busy} aria-busy={busy}>
          Create key
        </button>
      </form>
    </Dialog>
  )
}

const RightChoice = ({ resource, rights }: { resource: keyof Rights; rights: Signal<Rights> }) => (
  <label>
    <span>{resource}</span>
    <select
      name={resource}
      value={rights.value[resource]}
      onChange={({ currentTarget: it }) => {
        rights.value = { ...rights.value, [resource]: it.value as Right }
      }}
    >
      {Object.entries(RIGHTS).map(([right, text]) => (
        <option key={right} value={right}>
          {text}
        </option>
      ))}
    </select>
  </label>
)

const Secret = ({ secret }: { secret: string }) => (
  <div class="dialog-form">
    <p>Copy it now: it will not be shown again. Programs send it in place of an access token.</p>
    <div class="secret">
      <code>{secret}</code>
      <CopyButton text={secret} />
    </div>
    <pre class="code">{`curl -s ${location.origin}/jobs -H 'authorization: Bearer ${secret.slice(0, 10)}…'`}</pre>
  </div>
)

/** Writing includes reading. */
const scopesOf = (rights: Rights): Scope[] =>
  RESOURCES.flatMap((it) => (rights[it] === 'none' ? [] : [`${it}:${rights[it]}` as const]))
