import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readConfig } from '../../lib/core/config.ts'
import { rotate, secretOf } from './secret.ts'

const serverless = readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8')
const given = {
  DATABASE_HOST: 'proxy.example.com',
  DATABASE_OWNER_PASSWORD: 'd/e@f',
  DATABASE_PASSWORD: 'a/b@c',
  SMTP_URL: '',
}

test('the secret has what serverless.yml reads of it, and no more', () => {
  const names = [...serverless.matchAll(/SecretString:(\w+)/g)].map(([, name]) => name)
  expect(Object.keys(secretOf(given)).toSorted()).toEqual([...new Set(names)].toSorted())
})

/** Node 24.0, which package.json brings to Macs, has no `import.meta.main`; with this preloaded, no Node has. */
const WITHOUT_MAIN = `
  import { registerHooks } from 'node:module'
  const load = (url, context, next) => {
    const loaded = next(url, context)
    if (!url.endsWith('/infra/deploy/secret.ts')) return loaded
    return { ...loaded, source: String(loaded.source).replaceAll('import.meta.main', 'undefined') }
  }
  registerHooks({ load })`

test('the secret is printed on a Mac too', () => {
  const script = fileURLToPath(new URL('./secret.ts', import.meta.url))
  const args = ['--import', `data:text/javascript,${encodeURIComponent(WITHOUT_MAIN)}`, script]
  const printed = execFileSync(process.execPath, args, { env: given, encoding: 'utf8' })
  expect(Object.keys(JSON.parse(printed))).toEqual(Object.keys(secretOf(given)))
})

/** As a function reads it that has all of it. */
const read = (secret: Record<string, string>) =>
  readConfig({
    DATABASE_URL: secret['databaseOwnerUrl'],
    DATABASE_FUNCTIONS_URL: secret['databaseUrl'],
    AUTH_PUBLIC_KEYS: secret['authPublicKeys'],
    AUTH_SIGNING_KEYS: secret['authSigningKeys'],
    AUTH_REFRESH_KEY: secret['authRefreshKey'],
    JOB_SECRET_KEY: secret['jobSecretKey'],
    METRICS_TOKEN: secret['metricsToken'],
    SMTP_URL: secret['smtpUrl'],
    SQS_QUEUE_URL_DEFAULT: 'https://sqs.eu-central-1.amazonaws.com/1/default',
    SQS_QUEUE_URL_COMPUTE: 'https://sqs.eu-central-1.amazonaws.com/1/compute',
    SQS_QUEUE_URL_BULK: 'https://sqs.eu-central-1.amazonaws.com/1/bulk',
    S3_BUCKET: 'stint-files',
    KAFKA_BROKERS: 'localhost:9092',
  })

test('the functions can read what is in it', () => {
  const config = read(secretOf(given))
  const { url, functionsUrl = '' } = config.database
  const parts = [url, functionsUrl].map((text) => {
    const { username, password, hostname, search } = new URL(text)
    return [username, decodeURIComponent(password), hostname, search]
  })
  expect(parts).toEqual([
    ['stint', 'd/e@f', 'proxy.example.com', '?sslmode=verify-full'],
    ['stint_functions', 'a/b@c', 'proxy.example.com', '?sslmode=verify-full'],
  ])
  expect(config.mail.smtpUrl).toBeUndefined()
})

test('each has keys of its own', () => {
  expect(secretOf(given)['authSigningKeys']).not.toBe(secretOf(given)['authSigningKeys'])
})

test('a new signing key is known before it signs, and the old one while its tokens are good', () => {
  /** By which key tokens are signed, and by which they are verified. */
  const keys = (secret: Record<string, string>) => {
    const { signing, publicKeys = [] } = read(secret).auth
    return { signs: signing?.keys[0]?.kid, verify: publicKeys.map(({ kid }) => kid) }
  }
  const first = secretOf(given)
  const { signs: old } = keys(first)
  const added = rotate(first, 'add')
  const [, fresh] = keys(added).verify
  expect(keys(added)).toEqual({ signs: old, verify: [old, fresh] })
  const used = rotate(added, 'use')
  expect(keys(used)).toEqual({ signs: fresh, verify: [fresh, old] })
  const dropped = rotate(used, 'drop')
  expect(keys(dropped)).toEqual({ signs: fresh, verify: [fresh] })
  const { authPublicKeys, authSigningKeys } = dropped
  expect(dropped).toEqual({ ...first, authPublicKeys, authSigningKeys })
  expect(() => rotate(first, 'swap')).toThrow('there is no swap')
})

test('what is missing is named', () => {
  expect(() => secretOf({ DATABASE_HOST: 'proxy.example.com' })).toThrow(
    'not set: DATABASE_OWNER_PASSWORD, DATABASE_PASSWORD, SMTP_URL (may be empty)',
  )
})
