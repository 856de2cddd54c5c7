import { useSignal } from '@preact/signals'
import type { ItemOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { allOf } from '../../data/all-of.ts'
import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { user } from '../../data/session.ts'
import { TextField } from '../../forms/text-field.tsx'
import { Action } from '../../parts/action.tsx'
import { Pending } from '../../parts/pending.tsx'
import { isSure } from '../../parts/question.tsx'

const ROLES = ['viewer', 'maintainer', 'owner'] as const
type Member = ItemOf<Api['GET /projects/{projectId}/members']>
type Role = (typeof ROLES)[number]

export const useMembers = (projectId: string) =>
  useQuery(
    `members ${projectId}`,
    (signal) => allOf(api.each('GET /projects/{projectId}/members', { params: { projectId }, signal })),
    { still: true },
  )

/** The members of a project and their roles. */
export const Members = ({ projectId, isOwner }: { projectId: string; isOwner: boolean }) => {
  const { data, problem, reload } = useMembers(projectId)
  const setRole = async (userId: string, role: Role): Promise<void> => {
    await api.call('PUT /projects/{projectId}/members/{userId}', { params: { projectId, userId }, body: { role } })
    await reload()
  }
  const remove = async ({ userId, name }: Member): Promise<void> => {
    const isMe = userId === user.value?.id
    const title = isMe ? 'Leave the project?' : `Remove ${name}?`
    const text = isMe ? 'You will no longer see its jobs.' : `${name} will no longer see the project’s jobs.`
    if (!(await isSure(title, text, isMe ? 'Leave it' : 'Remove'))) return
    await api.call('DELETE /projects/{projectId}/members/{userId}', { params: { projectId, userId } })
    await reload()
  }
  return (
    <section class="card" aria-labelledby="members">
      <h2 id="members">Members</h2>
      <Pending data={data} problem={problem} lines={2} />
      <ul class="rows">
        {data?.items.map((it) => (
          <li key={it.userId}>
            <div>
              <p>
                <bdi>{it.name}</bdi>
                {it.userId === user.value?.id && <small> you</small>}
              </p>
              <small>{it.email}</small>
            </div>
            {isOwner ? (
              <RoleChoice value={it.role} label={`Role of ${it.name}`} set={(role) => setRole(it.userId, role)} />
            ) : (
              <span class="soft">{it.role}</span>
            )}
            {(isOwner || it.userId === user.value?.id) && (
              <Action run={() => remove(it)} kind="quiet">
                {it.userId === user.value?.id ? 'Leave' : 'Remove'}
              </Action>
            )}
          </li>
        ))}
      </ul>
      {isOwner && <Invite projectId={projectId} done={reload} />}
    </section>
  )
}

const RoleChoice = ({ value, label, set }: { value: Role; label: string; set: (role: Role) => Promise<void> }) => {
  const failed = useSignal<Error | undefined>(undefined)
  return (
    <div>
      <select
        aria-label={label}
        value={value}
        onChange={({ currentTarget: it }) => {
          const role = ROLES.find((known) => known === it.value) ?? value
          set(role).catch((error: Error) => {
            it.value = value
            failed.value = error
          })
        }}
      >
        {ROLES.map((role) => (
          <option key={role}>{role}</option>
        ))}
      </select>
      {failed.value && <p class="field-error">{failed.value.message}</p>}
    </div>
  )
}

const Invite = ({ projectId, done }: { projectId: string; done: () => Promise<void> }) => {
  const email = useSignal('')
  const role = useSignal<Role>('maintainer')
  const add = async (): Promise<void> => {
    const body = { email: email.value, role: role.value }
    await api.call('POST /projects/{projectId}/members', { params: { projectId }, body })
    email.value = ''
    await done()
  }
  return (
    <div class="inline-form">
      <TextField label="Email of a registered user" name="email" type="email" value={email} />
      <RoleChoice
        value={role.value}
        label="Role of the new member"
        set={async (next) => {
          role.value = next
        }}
      />
      <Action run={add} disabled={email.value === ''}>
        Add
      </Action>
    </div>
  )
}
