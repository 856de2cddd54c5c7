import { LRUCache } from 'lru-cache'

/** Whose access token it is, and the session that it belongs to, if it names one. */
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

/** Keeps at most `max` tokens, each until it expires; the least recently used are dropped first. */
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
