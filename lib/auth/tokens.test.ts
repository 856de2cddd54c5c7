import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import { test as base, expect } from 'vitest'
import { type App, createApp } from '../app.ts'
import { readConfig } from '../core/config.ts'
import { newId } from '../core/ids.ts'
import { issueAccessToken, publicKeys, verifyAccessToken } from './tokens.ts'

type SigningKey = App['config']['auth']['signingKeys'][number]

const newSigningKey = async (kid: string): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  return { kid, ...(await exportJWK(privateKey)) } as SigningKey
}

/** An app with keys. Tokens need nothing else of it, and nothing else of it is reached. */
const test = base.extend<{ app: App }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants a pattern here
  app: async ({}, use) => {
    const queueUrl = 'http://localhost/queue'
    const config = readConfig({
      DATABASE_URL: 'postgres://localhost/nowhere',
      SQS_QUEUE_URL_DEFAULT: queueUrl,
      SQS_QUEUE_URL_COMPUTE: queueUrl,
      SQS_QUEUE_URL_BULK: queueUrl,
      S3_BUCKET: 'nowhere',
      KAFKA_BROKERS: 'localhost:9092',
      AUTH_SIGNING_KEYS: JSON.stringify([await newSigningKey('first')]),
      AUTH_REFRESH_KEY: Buffer.alloc(32).toString('base64'),
    })
    await use(await createApp(config, 'test'))
  },
})

const withKeys = (app: App, signingKeys: SigningKey[]): App => ({
  ...app,
  config: { ...app.config, auth: { ...app.config.auth, signingKeys } },
})

const at = (app: App, nowMs: number): App => ({ ...app, clock: { now: () => nowMs } })

const refused = expect.objectContaining({
  code: 'UNAUTHENTICATED',
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
})

test('a token says for fifteen minutes whose it is, who made it and for whom', async ({ app }) => {
  const userId = newId()
  const token = await issueAccessToken(at(app, 1_800_000_000_500), userId)
  expect(decodeProtectedHeader(token)).toEqual({
    alg: 'EdDSA',
    typ: 'at+jwt',
    kid: app.config.auth.signingKeys[0]!.kid,
  })
  expect(decodeJwt(token)).toEqual({
    iss: app.config.auth.issuer,
    aud: app.config.auth.audience,
    sub: userId,
    iat: 1_800_000_000,
    exp: 1_800_000_900,
    jti: expect.any(String),
  })
})

test('a token is good until it expires, and no longer because it was verified before', async ({ app }) => {
  const userId = newId()
  const token = await issueAccessToken(at(app, 1_800_000_000_000), userId)
  expect(await verifyAccessToken(at(app, 1_800_000_000_000), token)).toBe(userId)
  expect(await verifyAccessToken(at(app, 1_800_000_899_999), token)).toBe(userId)
  await expect(verifyAccessToken(at(app, 1_800_000_900_000), token)).rejects.toEqual(refused)
})

test('the first key signs and all of them verify, so that keys can be rotated', async ({ app }) => {
  const [older, newer] = [await newSigningKey('older'), await newSigningKey('newer')]
  const userId = newId()
  const before = await issueAccessToken(withKeys(app, [older]), userId)
  const during = withKeys(app, [newer, older])
  expect(decodeProtectedHeader(await issueAccessToken(during, userId)).kid).toBe('newer')
  expect(await verifyAccessToken(during, before)).toBe(userId)
  await expect(verifyAccessToken(withKeys(app, [newer]), before)).rejects.toEqual(refused)
})

test('the published keys verify and cannot sign', async ({ app }) => {
  const [published] = publicKeys(app.config.auth)
  expect(published).toEqual({
    kid: app.config.auth.signingKeys[0]!.kid,
    kty: 'OKP',
    crv: 'Ed25519',
    x: app.config.auth.signingKeys[0]!.x,
    alg: 'EdDSA',
    use: 'sig',
  })
})

/** What a genuine token is made of; each forgery changes one thing of it. */
const genuine = (app: App) => {
  const now = Math.floor(app.clock.now() / 1_000)
  const { issuer, audience, signingKeys } = app.config.auth
  return {
    header: { alg: 'EdDSA', typ: 'at+jwt', kid: signingKeys[0]!.kid } as Record<string, unknown>,
    claims: { iss: issuer, aud: audience, sub: newId(), iat: now, exp: now + 900, jti: newId() } as JWTPayload,
    key: signingKeys[0]!,
  }
}

const sign = async ({ header, claims, key }: ReturnType<typeof genuine>): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader(header as { alg: string })
    .sign(await importJWK(key, 'EdDSA'), { crit: { extension: true } })

const unsigned = (header: object, claims: object): string =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')

test('the pattern that the forgeries vary is itself accepted', async ({ app }) => {
  const parts = genuine(app)
  expect(await verifyAccessToken(app, await sign(parts))).toBe(parts.claims.sub)
})

type Parts = ReturnType<typeof genuine>
const withClaims =
  (change: (claims: JWTPayload) => JWTPayload) =>
  async (parts: Parts): Promise<string> =>
    sign({ ...parts, claims: change(parts.claims) })
const withHeader =
  (change: Record<string, unknown>) =>
  async (parts: Parts): Promise<string> =>
    sign({ ...parts, header: { ...parts.header, ...change } })
const without = (name: string) => withClaims(({ [name]: _, ...rest }) => rest)

const FORGERIES: Record<string, (parts: Parts) => Promise<string>> = {
  'has the algorithm none and no signature': async ({ header, claims }) =>
    `${unsigned({ ...header, alg: 'none' }, claims)}.`,
  'has the algorithm None in another case': async ({ header, claims }) =>
    `${unsigned({ ...header, alg: 'nOnE' }, claims)}.`,
  'has the right algorithm and no signature': async ({ header, claims }) => `${unsigned(header, claims)}.`,
  'is signed by HMAC with the public key for a secret': async ({ header, claims, key }) =>
    new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(Buffer.from(key.x.padEnd(44, '='), 'base64url')),
  'is signed by another key under our kid': async (parts) => sign({ ...parts, key: await newSigningKey('x') }),
  'is signed by another key, which it brings along': async (parts) => {
    const key = await newSigningKey('x')
    const { d: _, ...jwk } = key
    return sign({ ...parts, header: { ...parts.header, jwk }, key })
  },
  'names an unknown key': withHeader({ kid: 'no-such-key' }),
  'names no key': withHeader({ kid: undefined }),
  'is a JWT of another type': withHeader({ typ: 'JWT' }),
  'demands an extension': withHeader({ crit: ['extension'], extension: 1 }),
  'is for another audience': withClaims((claims) => ({ ...claims, aud: 'somebody-else' })),
  'is for no audience': without('aud'),
  'comes from another issuer': withClaims((claims) => ({ ...claims, iss: 'somebody-else' })),
  'comes from no issuer': without('iss'),
  'has expired': withClaims((claims) => ({ ...claims, iat: claims.iat! - 900, exp: claims.iat! })),
  'never expires': without('exp'),
  'expires at a time that is no number': withClaims((claims) => ({ ...claims, exp: '9999999999' as never })),
  'does not say when it was made': without('iat'),
  'has no id': without('jti'),
  'is nobody’s': without('sub'),
  'belongs to somebody who is no UUID': withClaims((claims) => ({ ...claims, sub: "1' OR '1'='1" })),
  'is not valid yet': withClaims((claims) => ({ ...claims, nbf: claims.iat! + 60 })),
  'was altered after it was signed': async (parts) => {
    const [header, , signature] = (await sign(parts)).split('.')
    return `${header}.${unsigned({ ...parts.claims, sub: newId() }, {}).split('.')[0]}.${signature}`
  },
  'has claims that are no JSON': async ({ header }) => `${unsigned(header, {}).split('.')[0]}.bm9wZQ.c2ln`,
  'is text': async () => 'garbage',
  'is three dots': async () => '...',
  'is empty parts': async () => '..',
  'is very long': async () => 'a'.repeat(1_000_000),
}

for (const [what, forge] of Object.entries(FORGERIES)) {
  test(`refuses a token that ${what}`, async ({ app }) => {
    await expect(verifyAccessToken(app, await forge(genuine(app)))).rejects.toEqual(refused)
  })
}

test('refuses every text that is no token, and never breaks on one', async ({ app }) => {
  const part = fc.oneof(fc.base64String(), fc.json(), fc.string())
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.tuple(part, part, part).map((parts) => parts.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(text, async (token) => {
      await expect(verifyAccessToken(app, token)).rejects.toEqual(refused)
    }),
  )
})
