import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { verifyAccessToken } from './tokens.ts'

/** Who asks. */
export interface Actor {
  userId: string
}

/**
 * Tells who asks, from the `Authorization` header.
 * @throws {StintError} UNAUTHENTICATED when a token is needed and none is given, or a given one is not valid
 */
export const authenticate = async (
  app: App,
  authorization: string | undefined,
  needed: 'anyone' | 'user',
): Promise<Actor | undefined> => {
  if (needed === 'anyone') return undefined
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
  if (!token) {
    throw new StintError('UNAUTHENTICATED', 'Send "Authorization: Bearer <access token>".', {
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
  return { userId: await verifyAccessToken(app, token) }
}
