import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readConfig } from '../../lib/core/config.ts'
import { secretOf } from './secret.ts'

const serverless = readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8')
const given = { DATABASE_HOST: 'proxy.example.com', DATABASE_PASSWORD: 'a/b@c', SMTP_URL: '' }

test('the secret has what serverless.yml reads of it, and no more', () => {
  const read = [...serverless.matchAll(/SecretString:(\w+)/g)].map(([, name]) => name)
  expect(Object.keys(secretOf(given)).toSorted()).toEqual([...new Set(read)].toSorted())
})

test('the functions can read what is in it', () => {
  const secret = secretOf(given)
  const config = readConfig({
    DATABASE_URL: secret['databaseUrl'],
    AUTH_SIGNING_KEYS: secret['authSigningKeys'],
    AUTH_REFRESH_KEY: secret['authRefreshKey'],
    METRICS_TOKEN: secret['metricsToken'],
    SMTP_URL: secret['smtpUrl'],
    SQS_QUEUE_URL_DEFAULT: 'https://sqs.eu-central-1.amazonaws.com/1/default',
    SQS_QUEUE_URL_COMPUTE: 'https://sqs.eu-central-1.amazonaws.com/1/compute',
    SQS_QUEUE_URL_BULK: 'https://sqs.eu-central-1.amazonaws.com/1/bulk',
    S3_BUCKET: 'stint-files',
    KAFKA_BROKERS: 'localhost:9092',
  })
  const url = new URL(config.database.url)
  expect([decodeURIComponent(url.password), url.hostname, url.search]).toEqual([
    'a/b@c',
    'proxy.example.com',
    '?sslmode=require',
  ])
  expect(config.mail.smtpUrl).toBeUndefined()
})

test('each has keys of its own', () => {
  expect(secretOf(given)['authSigningKeys']).not.toBe(secretOf(given)['authSigningKeys'])
})

test('what is missing is named', () => {
  expect(() => secretOf({ DATABASE_HOST: 'proxy.example.com' })).toThrow(
    'not set: DATABASE_PASSWORD, SMTP_URL (may be empty)',
  )
})
