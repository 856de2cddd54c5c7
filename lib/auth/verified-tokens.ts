import { LRUCache } from 'lru-cache'

/** Who has an access token, and the session that it was given in, if it says. */
export interface Bearer {
  userId: string
  sessionId?: string
}

/** The access tokens that a process verified lately: a signature is checked once, not with every request. */
export interface VerifiedTokens {
  /** Whose token it is, if it was verified and has not expired by `nowMs`. */
  find(token: string, nowMs: number): Bearer | undefined
  add(token: string, bearer: Bearer, expiresAtMs: number): void
}

/** At most `max` tokens, the longest unused goes first; each until it expires. */
export const createVerifiedTokens = (max: number): VerifiedTokens => {
  const tokens = new LRUCache<string, { bearer: Bearer; expiresAtMs: number }>({ max })
  return {
    find: (token, nowMs) => {
      const verified = tokens.get(token)
      if (verified === undefined || nowMs < verified.expiresAtMs) return verified?.bearer
      tokens.delete(token)
      return undefined
    },
    add: (token, bearer, expiresAtMs) => void tokens.set(token, { bearer, expiresAtMs }),
  }
}
