import { SignJWT } from 'jose'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { needed, type SigningKey } from '../core/config.ts'
import { newId } from '../core/ids.ts'
import { ALGORITHM, importKey, TYPE } from './tokens.ts'

// Apart from what verifies tokens: only functions that import this file are given private keys (tests/serverless).

export const ACCESS_TOKEN_SECONDS = 900

/** Imported keys are kept as long as the configuration that they come from. */
const privateKeyOf = memoizeByOwner((signer: SigningKey) => importKey(signer))

/**
 * Signs an access token: for 15 minutes it says who its bearer is, and in which session. It can't be revoked.
 * @throws {ConfigError} where AUTH_SIGNING_KEYS is not set
 */
export const issueAccessToken = async (app: App, userId: string, sessionId?: string): Promise<string> => {
  const { issuer, audience, signing } = app.config.auth
  const [signer] = needed(signing, 'AUTH_SIGNING_KEYS').keys
  if (!signer) throw new Error('at least one signing key is needed')
  const issuedAt = Math.floor(app.clock.now() / 1_000)
  return new SignJWT(sessionId === undefined ? {} : { sid: sessionId })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: signer.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
    .setJti(newId())
    .sign(await privateKeyOf(signer))
}
