import { createClient } from '../../../../lib/client/client.ts'
import type { Credentials } from '../../../../lib/client/credentials.ts'
import { ProblemError } from '../../../../lib/client/problem-error.ts'
import type { Api } from '../../../http/api.ts'

// The access token is held here, in memory alone. The refresh token is in a cookie that no script can read.

const withoutToken = createClient<Api>({ baseUrl: '' })
export type Session = NonNullable<Awaited<ReturnType<typeof askForSession>>>

let accessToken: string | undefined
let onEnd = (): void => {}

const askForSession = () => withoutToken.call('POST /dashboard/session/refresh')

export const credentials: Credentials = {
  current: () => accessToken,
  renew: async () => (await continueSession())?.accessToken,
}

export const holdToken = (token: string | undefined): void => {
  accessToken = token
}

/** Called when the session turns out to be over. */
export const whenSessionEnds = (listener: () => void): void => {
  onEnd = listener
}

/** The session of the cookie, with a new access token; undefined when there is none. */
export const continueSession = async (): Promise<Session | undefined> => {
  try {
    const session = await askForSession()
    accessToken = session?.accessToken
    if (!session) onEnd()
    return session
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 401) throw error
    accessToken = undefined
    onEnd()
    return undefined
  }
}
