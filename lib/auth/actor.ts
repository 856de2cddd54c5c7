import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { type ApiKey, isApiKey, verifyApiKey } from './api-keys.ts'
import { bearerToken } from './bearer.ts'
import { includesScope, type Scope } from './scopes.ts'
import { verifyAccessToken } from './tokens.ts'

/** Who asks. */
export interface Actor {
  userId: string
  /** The person's API key, if a program uses one. It may do less than the person may. */
  apiKey?: ApiKey
  /** The session that the access token belongs to, if the token names it. */
  sessionId?: string
  /** The address of the caller. */
  ip?: string
}

/**
 * Tells who asks, by the `Authorization` header.
 * @throws {StintError} UNAUTHENTICATED when a token is needed and none is given, or a given one is not valid
 */
export const authenticate = async (
  app: App,
  { authorization, ip }: { authorization: string | undefined; ip: string },
  needed: 'anyone' | 'user',
): Promise<Actor | undefined> => {
  if (needed === 'anyone') return undefined
  const token = bearerToken(authorization)
  if (!token) throw new StintError('UNAUTHENTICATED', 'Send "Authorization: Bearer <access token or API key>".')
  if (isApiKey(token)) return { ...(await verifyApiKey(app, token)), ip }
  return { ...(await verifyAccessToken(app, token)), ip }
}

/**
 * Makes sure that an API key has the scope. People need none. Undefined: no key may do this.
 * @throws {StintError} SCOPE_MISSING
 */
export const requireScope = (actor: Actor | undefined, scope: Scope | undefined): void => {
  if (!actor?.apiKey) return
  if (scope === undefined) throw new StintError('SCOPE_MISSING', 'API keys cannot do this: use an access token.')
  if (includesScope(actor.apiKey.scopes, scope)) return
  throw new StintError('SCOPE_MISSING', `This needs an API key with the scope ${scope}.`, {
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  })
}
