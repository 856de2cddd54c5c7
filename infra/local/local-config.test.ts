import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ConfigError, readConfig } from '../../lib/core/config.ts'
import { keepSecrets, localEnvironment, makeSecrets, readLocalConfig } from './local-config.ts'

const stack = {
  postgres: { url: 'postgres://stint:secret@127.0.0.1:5432/stint' },
  sqsS3: {
    url: 'http://127.0.0.1:4566',
    region: 'eu-central-1',
    bucket: 'stint',
    queueUrls: { default: 'http://q/default', compute: 'http://q/compute', bulk: 'http://q/bulk' },
  },
  kafka: { address: '127.0.0.1:9092' },
}

test('the environment of a local stack is a complete configuration', () => {
  expect(readConfig(localEnvironment(stack, makeSecrets()))).toMatchObject({
    database: { url: stack.postgres.url },
    sqs: { endpoint: stack.sqsS3.url, queueUrls: stack.sqsS3.queueUrls },
    s3: { endpoint: stack.sqsS3.url, bucket: 'stint' },
    kafka: { brokers: ['127.0.0.1:9092'] },
    auth: { signingKeys: [{ kty: 'OKP', crv: 'Ed25519' }] },
  })
})

test('all that is wrong in an environment is said at once, of the host’s variables and of the functions’', () => {
  const wrong = { LEASE_SECONDS: '-1', RETENTION_DAYS: 'x', PORT: '99999', LOG_LEVEL: 'loud' }
  let error: unknown
  try {
    readLocalConfig(wrong)
  } catch (thrown) {
    error = thrown
  }
  expect((error as ConfigError).problems.map((it) => it.split(':')[0]).toSorted()).toEqual(
    Object.keys(wrong).toSorted(),
  )
  expect((error as ConfigError).message).toContain('  RETENTION_DAYS: must be a number, not "x"')
  expect(readLocalConfig({ PORT: '5000', DATABASE_URL: 'npm start has its own' })).toMatchObject({ port: 5_000 })
})

test('leases that would end between two heartbeats are refused', () => {
  expect(() => readLocalConfig({ LEASE_SECONDS: '5' })).toThrow(
    'HEARTBEAT_SECONDS: must be at most half of LEASE_SECONDS',
  )
  expect(readLocalConfig({ LEASE_SECONDS: '5', HEARTBEAT_SECONDS: '2.5' })).toBeDefined()
})

test('times that no timer waits for are refused: it would not wait at all', () => {
  expect(() => readLocalConfig({ WATCH_SECONDS: '2147484' })).toThrow('WATCH_SECONDS')
  expect(readLocalConfig({ WATCH_SECONDS: '86400' })).toBeDefined()
})

test('a data folder keeps its keys, for its owner only', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'stint-secrets-'))
  const first = await keepSecrets(dataDir)
  const mode = (await stat(join(dataDir, 'secrets.json'))).mode & 0o777
  const second = await keepSecrets(dataDir)
  await rm(dataDir, { recursive: true })
  expect(second).toEqual(first)
  expect(mode).toBe(0o600)
  expect(makeSecrets()).not.toEqual(first)
})
