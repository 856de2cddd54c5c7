import { createClient } from '../../../../lib/client/client.ts'
import type { Credentials } from '../../../../lib/client/credentials.ts'
import { ProblemError } from '../../../../lib/client/problem-error.ts'
import type { Api } from '../../../http/api.ts'

// The access token is held here, in memory alone. The refresh token is in a cookie that no script can read.

const withoutToken = createClient<Api>({ baseUrl: '' })
export type Session = NonNullable<Awaited<ReturnType<typeof askForSession>>>

let held: Session | undefined
let onChange = (_: Session | undefined): void => {}

const askForSession = () => withoutToken.call('POST /dashboard/session/refresh')

export const credentials: Credentials = {
  current: () => held?.accessToken,
  renew: async () => {
    const before = held
    const session = await continueSession()
    // Somebody else may have signed in in another tab, and have the cookie now. A request that one person made must not be
    // sent as another.
    return session?.user.id === before?.user.id ? session?.accessToken : undefined
  },
}

export const holdSession = (session: Session | undefined): void => {
  held = session
}

/** Called when the session turns out to be over, or to be another person's. */
export const whenSessionChanges = (listener: (session: Session | undefined) => void): void => {
  onChange = listener
}

/** The session of the cookie, with a new access token; undefined when there is none. */
export const continueSession = async (): Promise<Session | undefined> => {
  try {
    return turnTo(await askForSession())
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 401) throw error
    return turnTo(undefined)
  }
}

const turnTo = (session: Session | undefined): Session | undefined => {
  const isOther = !session || (held !== undefined && held.user.id !== session.user.id)
  held = session
  if (isOther) onChange(session)
  return session
}
