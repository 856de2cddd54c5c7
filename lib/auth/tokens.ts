import { type CryptoKey, decodeJwt, errors, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { invalidToken } from './bearer.ts'
import { type Bearer, createVerifiedTokens, type VerifiedTokens } from './verified-tokens.ts'

export const ACCESS_TOKEN_SECONDS = 900

/** The one algorithm. A token can't choose another, `none` included. */
const ALGORITHM = 'EdDSA'
/** RFC 9068: no other kind of JWT that these keys might ever sign passes for an access token. */
const TYPE = 'at+jwt'
const MAX_VERIFIED = 10_000

type AuthConfig = App['config']['auth']

interface Keyring {
  signer: { kid: string; key: CryptoKey }
  verifiers: Map<string, CryptoKey>
  verified: VerifiedTokens
}

/** Imported keys, and what they verified, live as long as the configuration that they came from. */
const keyrings = new WeakMap<AuthConfig, Promise<Keyring>>()

/** A token that says for 15 minutes who its bearer is, and by which sign-in. It cannot be called back. */
export const issueAccessToken = async (app: App, userId: string, sessionId?: string): Promise<string> => {
  const { signer } = await keyringOf(app.config.auth)
  const issuedAt = Math.floor(app.clock.now() / 1_000)
  return new SignJWT(sessionId === undefined ? {} : { sid: sessionId })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: signer.kid })
    .setIssuer(app.config.auth.issuer)
    .setAudience(app.config.auth.audience)
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
    .setJti(newId())
    .sign(signer.key)
}

/**
 * Tells whose access token this is, and in which session it was given.
 * @throws {StintError} UNAUTHENTICATED unless one of our keys signed it, for this API, and it has not expired
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
 * The session that an access token was given in, and when the token ends. Only for a token that {@link verifyAccessToken}
 * has accepted: nothing is verified here. Null: the token doesn't say, as those of before it was written into them.
 */
export const sessionOf = (verifiedToken: string): { sessionId: string | null; expiresAt: Date } => {
  const { sid, exp } = ofSession.parse(decodeJwt(verifiedToken))
  return { sessionId: sid ?? null, expiresAt: new Date(exp * 1_000) }
}

/** The public halves of the signing keys, for whoever wants to verify tokens without asking us. */
export const publicKeys = ({ signingKeys }: AuthConfig) =>
  signingKeys.map(({ kid, kty, crv, x }) => ({ kid, kty, crv, x, alg: ALGORITHM, use: 'sig' }))

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
    // The caller isn't told what is wrong with the token: nobody shall improve a forgery by it.
    if (error instanceof errors.JOSEError || error instanceof z.ZodError)
      throw invalidToken('The access token is not valid, or has expired.', error)
    throw error
  }
}

const keyringOf = (config: AuthConfig): Promise<Keyring> => {
  const existing = keyrings.get(config)
  if (existing) return existing
  const made = importKeys(config)
  keyrings.set(config, made)
  return made
}

const importKeys = async ({ signingKeys }: AuthConfig): Promise<Keyring> => {
  const imported = (jwk: JWK) => importJWK(jwk, ALGORITHM) as Promise<CryptoKey>
  const [first] = signingKeys
  if (!first) throw new Error('at least one signing key is needed')
  const verifiers = signingKeys.map(async ({ kid, kty, crv, x }) => [kid, await imported({ kty, crv, x })] as const)
  return {
    signer: { kid: first.kid, key: await imported(first) },
    verifiers: new Map(await Promise.all(verifiers)),
    verified: createVerifiedTokens(MAX_VERIFIED),
  }
}
