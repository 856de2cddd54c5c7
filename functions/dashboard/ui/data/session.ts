import { signal } from '@preact/signals'
import { api } from './client.ts'
import { continueSession, holdSession, type Session, whenSessionChanges } from './credentials.ts'
import { dropDraft } from './drafts.ts'
import { forgetAll } from './query.ts'

export type User = Session['user']

/** Who is signed in; null for nobody, undefined while that isn't known yet. */
export const user = signal<User | null | undefined>(undefined)
/** Why it isn't known: the API can't be reached. */
export const unreachable = signal(false)

const RETRY_MS = 2_000

/** Nobody is signed in, because somebody's session was over while they were here. */
export const sessionHasEnded = signal(false)

/** Removes everything that one person has seen, before the next one signs in. */
const turnTo = (session: Session | undefined): void => {
  holdSession(session)
  forgetAll()
  sessionHasEnded.value = false
  user.value = session?.user ?? null
}

whenSessionChanges((session) => {
  const wasSignedIn = Boolean(user.value)
  turnTo(session)
  sessionHasEnded.value = wasSignedIn && !session
})

/** The other tabs share the session: signing out in one signs out of all, at once and not at their next request. */
const tabs = new BroadcastChannel('stint-session')
tabs.onmessage = () => leave()

/** Continues the session of the cookie, if there is one. Tries until the API answers. */
export const resume = async (): Promise<void> => {
  try {
    user.value = (await continueSession())?.user ?? null
    unreachable.value = false
  } catch {
    unreachable.value = true
    setTimeout(() => void resume(), RETRY_MS)
  }
}

export const signIn = async (credentials: { email: string; password: string }): Promise<void> =>
  turnTo(await api.call('POST /dashboard/session', { body: credentials }))

export const register = async (person: { email: string; password: string; name: string }): Promise<void> =>
  turnTo(await api.call('POST /dashboard/session/registration', { body: person }))

export const signOut = async (): Promise<void> => {
  await api.call('DELETE /dashboard/session')
  leave()
  tabs.postMessage('left')
}

const leave = (): void => {
  dropDraft()
  turnTo(undefined)
}

/** This ends every session, also this one. So the person signs in again, and the session that the API began is ended. */
export const changePassword = async (body: { currentPassword: string; newPassword: string }): Promise<void> => {
  const { user: person, refreshToken } = await api.call('POST /auth/password', { body })
  const session = await api.call('POST /dashboard/session', {
    body: { email: person.email, password: body.newPassword },
  })
  holdSession(session)
  user.value = session.user
  await api.call('POST /auth/logout', { body: { refreshToken } })
}
