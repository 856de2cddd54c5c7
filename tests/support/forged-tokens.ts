import { exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import type { App } from '../../lib/app.ts'
import type { SigningKey } from '../../lib/core/config.ts'
import { newId } from '../../lib/core/ids.ts'

export const newSigningKey = async (kid: string): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  return { kid, ...(await exportJWK(privateKey)) } as SigningKey
}

/** What a token is made of. */
export interface Parts {
  header: Record<string, unknown>
  claims: JWTPayload
  key: SigningKey
}

/** What a genuine token of a person is made of; each forgery changes one thing of it. */
export const genuine = ({ clock, config: { auth } }: App, userId = newId()): Parts => {
  const now = Math.floor(clock.now() / 1_000)
  const [key] = auth.signing?.keys ?? []
  if (!key) throw new Error('there is no signing key')
  return {
    header: { alg: 'EdDSA', typ: 'at+jwt', kid: key.kid },
    claims: { iss: auth.issuer, aud: auth.audience, sub: userId, iat: now, exp: now + 900, jti: newId() },
    key,
  }
}

export const sign = async ({ header, claims, key }: Parts): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader(header as { alg: string })
    .sign(await importJWK({ ...key }, 'EdDSA'), { crit: { extension: true } })

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const unsigned = (header: object, claims: object): string => [header, claims].map(encode).join('.')

type Forge = (parts: Parts) => Promise<string>

const withClaims =
  (change: (claims: JWTPayload) => JWTPayload): Forge =>
  async (parts) =>
    sign({ ...parts, claims: change(parts.claims) })
const withHeader =
  (change: Record<string, unknown>): Forge =>
  async (parts) =>
    sign({ ...parts, header: { ...parts.header, ...change } })
const without = (name: string) => withClaims(({ [name]: _, ...rest }) => rest)
const byHmac =
  (secretOf: (key: SigningKey) => string | Buffer): Forge =>
  async ({ header, claims, key }) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(secretOf(key)))
/** With our header and claims, and a signature that is something else. */
const withSignature =
  (change: (signature: string) => string): Forge =>
  async (parts) => {
    const [header, claims, signature = ''] = (await sign(parts)).split('.')
    return `${header}.${claims}.${change(signature)}`
  }
/** Signed by a key of the attacker, who names or sends it along. */
const bringing =
  (headerOf: (jwk: object) => Record<string, unknown>): Forge =>
  async (parts) => {
    const key = await newSigningKey('theirs')
    const { d: _, ...jwk } = key
    return sign({ ...parts, header: { ...parts.header, ...headerOf(jwk) }, key })
  }
const at = ({ iat = 0 }: JWTPayload, seconds: number): number => iat + seconds

/** Tokens that are wrong in one way each. */
export const FORGERIES: Record<string, Forge> = {
  'has the algorithm none and no signature': async ({ header, claims }) =>
    `${unsigned({ ...header, alg: 'none' }, claims)}.`,
  'has the algorithm None in another case': async ({ header, claims }) =>
    `${unsigned({ ...header, alg: 'nOnE' }, claims)}.`,
  'has the right algorithm and no signature': async ({ header, claims }) => `${unsigned(header, claims)}.`,
  'has no third part': async ({ header, claims }) => unsigned(header, claims),
  'is signed by HMAC with the public key for a secret': byHmac(({ x }) => Buffer.from(x, 'base64url')),
  'is signed by HMAC with the public key’s text for a secret': byHmac(({ x }) => x),
  'is signed by HMAC with the published key’s JSON for a secret': byHmac(({ d: _, ...jwk }) => JSON.stringify(jwk)),
  'is signed by HMAC with nothing much for a secret': byHmac(() => 'secret'),
  'names an algorithm that we don’t have': async ({ header, claims }) =>
    `${unsigned({ ...header, alg: 'RS256' }, claims)}.${'A'.repeat(342)}`,
  'names our algorithm in another case': async ({ header, claims }) =>
    `${unsigned({ ...header, alg: 'eddsa' }, claims)}.${'A'.repeat(86)}`,
  'is signed by another key under our kid': async (parts) => sign({ ...parts, key: await newSigningKey('x') }),
  'is signed by another key, which it brings along': bringing((jwk) => ({ jwk })),
  'is signed by another key, whose address it names': bringing(() => ({ jku: 'https://attacker.example/jwks.json' })),
  'is signed by another key, whose certificate’s address it names': bringing(() => ({
    x5u: 'https://attacker.example/cert.pem',
  })),
  'is signed by another key, whose kid it names': bringing(() => ({ kid: 'theirs' })),
  'names an unknown key': withHeader({ kid: 'no-such-key' }),
  'names a file for a key': withHeader({ kid: '../../../../dev/null' }),
  'names a statement for a key': withHeader({ kid: "' UNION SELECT 'key" }),
  'names what every object has for a key': withHeader({ kid: '__proto__' }),
  'names no key': withHeader({ kid: undefined }),
  'is a JWT of another type': withHeader({ typ: 'JWT' }),
  'is of no type': withHeader({ typ: undefined }),
  'demands an extension': withHeader({ crit: ['extension'], extension: 1 }),
  'is for another audience': withClaims((claims) => ({ ...claims, aud: 'somebody-else' })),
  'is for no audience': without('aud'),
  'comes from another issuer': withClaims((claims) => ({ ...claims, iss: 'somebody-else' })),
  'comes from no issuer': without('iss'),
  'has expired': withClaims((claims) => ({ ...claims, iat: at(claims, -900), exp: at(claims, 0) })),
  'never expires': without('exp'),
  'expires at a time that is no number': withClaims((claims) => ({ ...claims, exp: '9999999999' as never })),
  'does not say when it was made': without('iat'),
  'has no id': without('jti'),
  'is nobody’s': without('sub'),
  'belongs to somebody who is no UUID': withClaims((claims) => ({ ...claims, sub: "1' OR '1'='1" })),
  'belongs to several': withClaims((claims) => ({ ...claims, sub: [claims.sub, newId()] as never })),
  'is not valid yet': withClaims((claims) => ({ ...claims, nbf: at(claims, 60) })),
  'was altered after it was signed': async (parts) => {
    const [header, , signature] = (await sign(parts)).split('.')
    return `${header}.${encode({ ...parts.claims, sub: newId() })}.${signature}`
  },
  'has the signature of another token': async (parts) => {
    const other = (await sign({ ...parts, claims: { ...parts.claims, jti: newId() } })).split('.')[2]
    return withSignature(() => `${other}`)(parts)
  },
  'has a signature of zeros': withSignature((signature) => 'A'.repeat(signature.length)),
  'has a signature that is cut off': withSignature((signature) => signature.slice(0, -4)),
  'has a signature of which one bit is another': withSignature(
    (signature) => (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1),
  ),
  'has a fourth part': async (parts) => `${await sign(parts)}.e30`,
  'has the five parts of a JWE': async ({ header }) => `${encode({ ...header, enc: 'A256GCM' })}.e30.e30.e30.e30`,
  'has claims that are no JSON': async ({ header }) => `${encode(header)}.bm9wZQ.c2ln`,
  'has claims that are a list': async ({ header }) => `${encode(header)}.${encode([])}.c2ln`,
  'is text': async () => 'garbage',
  'is three dots': async () => '...',
  'is empty parts': async () => '..',
  'is very long': async () => 'a'.repeat(1_000_000),
}
