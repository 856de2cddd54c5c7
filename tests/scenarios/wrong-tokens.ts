import { type CryptoKey, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import type { App } from '../../lib/app.ts'
import { newId } from '../../lib/core/ids.ts'

/** An access token that is right, and tokens that differ from it in one thing each. */
export const makeTokens = async (
  { config: { auth } }: App,
  userId: string,
): Promise<{ right: string; wrong: Record<string, string> }> => {
  const [own] = auth.signingKeys
  if (!own) throw new Error('there is no signing key')
  const { kid, ...jwk } = own
  const key = (await importJWK(jwk, 'EdDSA')) as CryptoKey
  const { privateKey: foreign } = await generateKeyPair('EdDSA')
  const header = { alg: 'EdDSA', typ: 'at+jwt', kid }
  const claims: JWTPayload = { iss: auth.issuer, aud: auth.audience, sub: userId, jti: newId() }

  const sign = (
    changed: {
      header?: Partial<typeof header>
      claims?: JWTPayload
      key?: CryptoKey | Uint8Array
      expires?: string
    } = {},
  ) =>
    new SignJWT({ ...claims, ...changed.claims })
      .setProtectedHeader({ ...header, ...changed.header })
      .setIssuedAt()
      .setExpirationTime(changed.expires ?? '5 minutes')
      .sign(changed.key ?? key)

  const right = await sign()
  const [head = '', payload = '', signature = ''] = right.split('.')
  const unsigned = encode({ ...header, alg: 'none' })
  return {
    right,
    wrong: {
      expired: await sign({ expires: '-1 minute' }),
      'for another audience': await sign({ claims: { aud: 'elsewhere' } }),
      'of another issuer': await sign({ claims: { iss: 'elsewhere' } }),
      'for nobody': await sign({ claims: { sub: "' OR 1=1" } }),
      "signed with a stranger's key": await sign({ key: foreign }),
      'of an unknown key': await sign({ header: { kid: 'other' } }),
      'of another type': await sign({ header: { typ: 'JWT' } }),
      'signed with the public key as a secret': await sign({ header: { alg: 'HS256' }, key: Buffer.from(jwk.x) }),
      'unsigned (alg: none)': `${unsigned}.${payload}.`,
      'unsigned, with a signature': `${unsigned}.${payload}.${signature}`,
      'with another payload': `${head}.${encode({ ...claims, iat: 1, exp: 4_000_000_000 })}.${signature}`,
      'without a signature': `${head}.${payload}`,
      garbage: 'garbage',
      dots: '..',
      long: 'a'.repeat(8_000),
    },
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
