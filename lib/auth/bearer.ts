import { StintError } from '../core/errors.ts'

/** The token after `Bearer` in an `Authorization` header (RFC 6750, 2.1); undefined if there is none. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]

/** The error for a token that isn't valid, or no longer is (RFC 6750, 3.1). */
export const invalidToken = (detail: string, cause?: Error): StintError =>
  new StintError('UNAUTHENTICATED', detail, { headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, cause })
