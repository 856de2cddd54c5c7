import { ProblemError, UnreachableError } from './problem-error.ts'

/** Where a client gets its access tokens from. */
export interface Credentials {
  /** The token for the next request; undefined for none. */
  current(): string | undefined
  /**
   * Another token, because the API refused this one; undefined if there is none. The client calls it once for all requests
   * that wait for it, and they throw what it throws.
   */
  renew(refused: string | undefined): Promise<string | undefined>
}

export interface Tokens {
  accessToken: string
  refreshToken: string
}

export interface RefreshingOptions {
  baseUrl: string
  /** The tokens of an earlier session; without them, `adopt` those of a login. */
  tokens?: Tokens | undefined
  /** Called with every new pair before it is used, to be kept, and with undefined when the session has ended. */
  onChange?: ((tokens: Tokens | undefined) => void | Promise<void>) | undefined
  fetch?: typeof fetch | undefined
}

export interface Refreshing extends Credentials {
  /** Continues with the tokens from `POST /auth/login` and similar routes. */
  adopt(tokens: Tokens): Promise<void>
  /** Forgets them. */
  drop(): Promise<void>
  /** What `POST /auth/logout` takes. */
  refreshToken(): string | undefined
}

/** Credentials that exchange a refresh token for the next pair whenever the access token is refused. */
export const refreshing = ({ baseUrl, tokens, onChange, fetch: ask = fetch }: RefreshingOptions): Refreshing => {
  let held = tokens
  const hold = async (next: Tokens | undefined): Promise<void> => {
    held = next && { accessToken: next.accessToken, refreshToken: next.refreshToken }
    await onChange?.(held)
  }
  return {
    current: () => held?.accessToken,
    refreshToken: () => held?.refreshToken,
    adopt: hold,
    drop: () => hold(undefined),
    renew: async () => {
      if (!held) return undefined
      const asUnreachable = (error: unknown): never => {
        throw UnreachableError.of('POST /auth/refresh', baseUrl, error)
      }
      const response = await ask(`${baseUrl}/auth/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refreshToken: held.refreshToken }),
      }).catch(asUnreachable)
      if (response.ok) {
        await hold((await response.json().catch(asUnreachable)) as Tokens)
        return held?.accessToken
      }
      const problem = await ProblemError.of(response).catch(asUnreachable)
      // Only a refused token ends a session: an API that is away for a moment must not sign anybody out.
      if (problem.status !== 401) throw problem
      await hold(undefined)
      return undefined
    },
  }
}

/** An access token or an API key that stays what it is. */
export const fixed = (token: string): Credentials => ({ current: () => token, renew: async () => undefined })
