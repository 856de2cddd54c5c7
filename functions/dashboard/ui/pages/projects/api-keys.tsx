import { useSignal } from '@preact/signals'
import type { ItemOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { allOf } from '../../data/all-of.ts'
import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { Action } from '../../parts/action.tsx'
import { now } from '../../parts/now.ts'
import { Pending } from '../../parts/pending.tsx'
import { isSure } from '../../parts/question.tsx'
import { Time } from '../../parts/time.tsx'
import { NewKeyDialog } from './new-key.tsx'

type ApiKey = ItemOf<Api['GET /projects/{projectId}/api-keys']>

/** The keys that programs use in a project. */
export const ApiKeys = ({ projectId }: { projectId: string }) => {
  const { data, problem, reload } = useQuery(
    `api-keys ${projectId}`,
    (signal) => allOf(api.each('GET /projects/{projectId}/api-keys', { params: { projectId }, signal })),
    { still: true },
  )
  const isNew = useSignal(false)
  const open = async (): Promise<void> => {
    isNew.value = true
  }
  return (
    <section class="card" aria-labelledby="keys">
      <div class="card-head">
        <h2 id="keys">API keys</h2>
        <Action run={open}>New key</Action>
      </div>
      <Pending data={data} problem={problem} lines={2} />
      {data?.items.length === 0 && (
        <p class="soft">Programs use an API key instead of a password. This project has none yet.</p>
      )}
      <ul class="rows">
        {data?.items.map((it) => (
          <Key key={it.id} apiKey={it} reload={reload} />
        ))}
      </ul>
      {isNew.value && (
        <NewKeyDialog
          projectId={projectId}
          close={() => {
            isNew.value = false
            void reload()
          }}
        />
      )}
    </section>
  )
}

const Key = ({ apiKey, reload }: { apiKey: ApiKey; reload: () => Promise<void> }) => {
  const revoke = async (): Promise<void> => {
    const text = 'Programs that use this key will be refused.'
    if (!(await isSure(`Revoke “${apiKey.name}”?`, text, 'Revoke it'))) return
    const params = { projectId: apiKey.projectId, keyId: apiKey.id }
    await api.call('DELETE /projects/{projectId}/api-keys/{keyId}', { params })
    await reload()
  }
  return (
    <li>
      <div>
        <p>
          <bdi>{apiKey.name}</bdi> <code class="faint">{apiKey.hint}…</code>
        </p>
        <p class="tags">
          {apiKey.scopes.map((it) => (
            <small key={it} class="tag">
              {it}
            </small>
          ))}
        </p>
      </div>
      <small>
        {apiKey.lastUsedAt ? (
          <>
            used <Time at={apiKey.lastUsedAt} />
          </>
        ) : (
          'never used'
        )}
        {apiKey.expiresAt && (
          <>
            {Date.parse(apiKey.expiresAt) < now.value ? ', expired ' : ', expires '}
            <Time at={apiKey.expiresAt} />
          </>
        )}
      </small>
      <Action run={revoke} kind="quiet">
        Revoke
      </Action>
    </li>
  )
}
