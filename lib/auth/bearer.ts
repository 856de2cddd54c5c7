import { StintError } from '../core/errors.ts'

/** What stands behind `Bearer` in an `Authorization` header (RFC 6750, 2.1); undefined: no token does. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]

/** The token that came is none, or none any more (RFC 6750, 3.1). */
export const invalidToken = (detail: string, cause?: Error): StintError =>
  new StintError('UNAUTHENTICATED', detail, { headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, cause })
