import { LRUCache } from 'lru-cache'

/** The access tokens that a process verified lately: a signature is checked once, not with every request. */
export interface VerifiedTokens {
  /** Whose token it is, if it was verified and has not expired by `nowMs`. */
  find(token: string, nowMs: number): string | undefined
  add(token: string, verified: { userId: string; expiresAtMs: number }): void
}

/** At most `max` tokens, the longest unused goes first; each until it expires. */
export const createVerifiedTokens = (max: number): VerifiedTokens => {
  const tokens = new LRUCache<string, { userId: string; expiresAtMs: number }>({ max })
  return {
    find: (token, nowMs) => {
      const verified = tokens.get(token)
      if (verified === undefined || nowMs < verified.expiresAtMs) return verified?.userId
      tokens.delete(token)
      return undefined
    },
    add: (token, verified) => void tokens.set(token, verified),
  }
}
