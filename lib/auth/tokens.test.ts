import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { test as base, expect } from 'vitest'
import { FORGERIES, genuine, newSigningKey, sign } from '../../tests/support/forged-tokens.ts'
import { type App, createApp } from '../app.ts'
import { publicHalf, readConfig, type SigningKey } from '../core/config.ts'
import { newId } from '../core/ids.ts'
import { issueAccessToken } from './issue-token.ts'
import { publishedKeys, verifyAccessToken } from './tokens.ts'

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

const withAuth = (app: App, auth: Partial<App['config']['auth']>): App => ({
  ...app,
  config: { ...app.config, auth: { ...app.config.auth, ...auth } },
})

const withKeys = (app: App, keys: SigningKey[]): App =>
  withAuth(app, { signing: { keys, refreshKey: '' }, publicKeys: keys.map(publicHalf) })

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
    kid: app.config.auth.signing!.keys[0]!.kid,
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
  expect(await verifyAccessToken(at(app, 1_800_000_000_000), token)).toEqual({ userId })
  expect(await verifyAccessToken(at(app, 1_800_000_899_999), token)).toEqual({ userId })
  await expect(verifyAccessToken(at(app, 1_800_000_900_000), token)).rejects.toEqual(refused)
})

test('the first key signs and all of them verify, so that keys can be rotated', async ({ app }) => {
  const [older, newer] = [await newSigningKey('older'), await newSigningKey('newer')]
  const userId = newId()
  const before = await issueAccessToken(withKeys(app, [older]), userId)
  const during = withKeys(app, [newer, older])
  expect(decodeProtectedHeader(await issueAccessToken(during, userId)).kid).toBe('newer')
  expect(await verifyAccessToken(during, before)).toEqual({ userId })
  await expect(verifyAccessToken(withKeys(app, [newer]), before)).rejects.toEqual(refused)
})

test('who has only the public keys verifies tokens and makes none', async ({ app }) => {
  const userId = newId()
  const verifier = withAuth(app, { signing: undefined })
  expect(await verifyAccessToken(verifier, await issueAccessToken(app, userId))).toEqual({ userId })
  await expect(issueAccessToken(verifier, userId)).rejects.toThrow('AUTH_SIGNING_KEYS: is not set')
})

test('who has no keys says so, and does not call tokens wrong', async ({ app }) => {
  const token = await issueAccessToken(app, newId())
  const keyless = withAuth(app, { signing: undefined, publicKeys: undefined })
  await expect(verifyAccessToken(keyless, token)).rejects.toThrow('AUTH_PUBLIC_KEYS: is not set')
})

test('the published keys verify and cannot sign', async ({ app }) => {
  const [published] = publishedKeys(app.config.auth)
  expect(published).toEqual({
    kid: app.config.auth.signing!.keys[0]!.kid,
    kty: 'OKP',
    crv: 'Ed25519',
    x: app.config.auth.signing!.keys[0]!.x,
    alg: 'EdDSA',
    use: 'sig',
  })
})

test('the pattern that the forgeries vary is itself accepted', async ({ app }) => {
  const parts = genuine(app)
  expect(await verifyAccessToken(app, await sign(parts))).toEqual({ userId: parts.claims.sub })
})

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
