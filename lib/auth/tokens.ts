import { type CryptoKey, decodeJwt, errors, importJWK, type JWK, jwtVerify } from 'jose'
import { z } from 'zod'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { needed, type PublicKey } from '../core/config.ts'
import { invalidToken } from './bearer.ts'
import { type Bearer, createVerifiedTokens, type VerifiedTokens } from './verified-tokens.ts'

/** The only algorithm: a token can't choose another one, such as `none`. */
export const ALGORITHM = 'EdDSA'
/** RFC 9068: no other kind of JWT signed by these keys is taken for an access token. */
export const TYPE = 'at+jwt'
const MAX_VERIFIED = 10_000

type AuthConfig = App['config']['auth']

interface Keyring {
  verifiers: Map<string, CryptoKey>
  verified: VerifiedTokens
}

/**
 * Tells whose access token this is, and to which session it belongs.
 * @throws {StintError} UNAUTHENTICATED unless one of our keys signed it, for this API, and it has not expired
 * @throws {ConfigError} where neither AUTH_PUBLIC_KEYS nor AUTH_SIGNING_KEYS is set
 */
export const verifyAccessToken = async (app: App, token: string): Promise<Bearer> => {
  const keyring = await keyringOf(app.config.auth)
  const known = keyring.verified.find(token, app.clock.now())
  if (known !== undefined) return known
  const { sub, sid, exp } = await verifiedClaims(app, keyring, token)
  const bearer: Bearer = { userId: sub, ...(sid && { sessionId: sid }) }
  keyring.verified.add(token, bearer, exp * 1_000)
  return bearer
}

/**
 * The session that an access token belongs to, and when the token expires. Verifies nothing: only for tokens that
 * {@link verifyAccessToken} has accepted. Null if the token doesn't name its session, as older ones don't.
 */
export const sessionOf = (verifiedToken: string): { sessionId: string | null; expiresAt: Date } => {
  const { sid, exp } = ofSession.parse(decodeJwt(verifiedToken))
  return { sessionId: sid ?? null, expiresAt: new Date(exp * 1_000) }
}

/** The public keys (JWKS), with which others can verify tokens themselves. @throws {ConfigError} where there are none */
export const publishedKeys = (config: AuthConfig) =>
  publicKeysOf(config).map((key) => ({ ...key, alg: ALGORITHM, use: 'sig' }))

const publicKeysOf = ({ publicKeys }: AuthConfig): PublicKey[] => needed(publicKeys, 'AUTH_PUBLIC_KEYS')

const ofSession = z.object({ sid: z.uuid().optional(), exp: z.number() })
const claims = ofSession.extend({ sub: z.uuid() })

const verifiedClaims = async (app: App, { verifiers }: Keyring, token: string): Promise<z.output<typeof claims>> => {
  const keyFor = ({ kid = '' }: { kid?: string }): CryptoKey => {
    const key = verifiers.get(kid)
    if (!key) throw new errors.JWKSNoMatchingKey()
    return key
  }
  try {
    const { payload } = await jwtVerify(token, keyFor, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: app.config.auth.issuer,
      audience: app.config.auth.audience,
      requiredClaims: ['sub', 'iat', 'exp', 'jti'],
      currentDate: new Date(app.clock.now()),
    })
    return claims.parse(payload)
  } catch (error) {
    // The caller isn't told what is wrong with the token: it would help to improve a forgery.
    if (error instanceof errors.JOSEError || error instanceof z.ZodError)
      throw invalidToken('The access token is not valid, or has expired.', error)
    throw error
  }
}

/** Imported keys, and the tokens they verified, are kept as long as the configuration that the keys come from. */
const keyringOf = memoizeByOwner(async (config: AuthConfig): Promise<Keyring> => {
  const verifiers = publicKeysOf(config).map(async ({ kid, ...key }) => [kid, await importKey(key)] as const)
  return { verifiers: new Map(await Promise.all(verifiers)), verified: createVerifiedTokens(MAX_VERIFIED) }
})

/** Imports an Ed25519 key, private or public. */
export const importKey = (jwk: JWK) => importJWK(jwk, ALGORITHM) as Promise<CryptoKey>
