import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ConfigError, publicHalf, readConfig, type SigningKey } from '../../../lib/core/config.ts'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { workerEnvironment } from '../host/host-app.ts'
import { keepSecrets, localEnvironment, makeSecrets, readLocalConfig, type Secrets } from './local-config.ts'

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

const publicKeysOf = (secrets: Secrets) => (JSON.parse(secrets.AUTH_SIGNING_KEYS) as SigningKey[]).map(publicHalf)

test('the environment of a local stack is a complete configuration', () => {
  expect(readConfig(localEnvironment(stack, makeSecrets()))).toMatchObject({
    database: { url: stack.postgres.url },
    sqs: { endpoint: stack.sqsS3.url, queueUrls: stack.sqsS3.queueUrls },
    s3: { endpoint: stack.sqsS3.url, bucket: 'stint' },
    kafka: { brokers: ['127.0.0.1:9092'] },
    auth: { publicKeys: [{ kty: 'OKP', crv: 'Ed25519' }], signing: { keys: [{ crv: 'Ed25519' }] } },
    engine: { jobSecretKey: expect.any(String) },
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

test('the processes that run jobs and schedules have no key that signs people in', () => {
  const given = workerEnvironment(localEnvironment(stack, makeSecrets()))
  expect(Object.keys(given)).not.toEqual(expect.arrayContaining(['AUTH_SIGNING_KEYS']))
  expect(Object.keys(given)).not.toEqual(expect.arrayContaining(['AUTH_REFRESH_KEY']))
  expect(readConfig(given)).toMatchObject({
    auth: { signing: undefined },
    engine: { jobSecretKey: expect.any(String) },
  })
})

test('keys are there together or not at all, and verify what they sign', () => {
  const { AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY, ...others } = localEnvironment(stack, makeSecrets())
  expect(readConfig(others).auth).toMatchObject({ signing: undefined, publicKeys: undefined })
  expect(() => readConfig({ ...others, AUTH_SIGNING_KEYS })).toThrow('AUTH_REFRESH_KEY: is needed beside')
  expect(() => readConfig({ ...others, AUTH_REFRESH_KEY })).toThrow('AUTH_SIGNING_KEYS: is needed beside')
  const AUTH_PUBLIC_KEYS = JSON.stringify(publicKeysOf(makeSecrets()))
  expect(readConfig({ ...others, AUTH_PUBLIC_KEYS }).auth.publicKeys).toHaveLength(1)
  const signing = { ...others, AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY }
  expect(() => readConfig({ ...signing, AUTH_PUBLIC_KEYS })).toThrow(
    'AUTH_SIGNING_KEYS: must be keys whose public halves are in AUTH_PUBLIC_KEYS',
  )
})

test('private keys are refused among those that every function has', () => {
  const { AUTH_SIGNING_KEYS: AUTH_PUBLIC_KEYS, ...others } = localEnvironment(stack, makeSecrets())
  expect(() => readConfig({ ...others, AUTH_PUBLIC_KEYS })).toThrow('AUTH_PUBLIC_KEYS.0')
})

test('a data folder of before secrets of jobs had a key of their own has one that stays', async () => {
  const dataDir = temporaryFolder()
  await keepSecrets(dataDir)
  const file = join(dataDir, 'secrets.json')
  const { AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY } = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY }))
  const [one, two] = [await keepSecrets(dataDir), await keepSecrets(dataDir)]
  expect(one).toMatchObject({ AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY })
  expect(one.JOB_SECRET_KEY).toBe(two.JOB_SECRET_KEY)
  expect(one.JOB_SECRET_KEY).not.toBe(makeSecrets().JOB_SECRET_KEY)
})

test('a data folder keeps its keys, for its owner only', async () => {
  const dataDir = temporaryFolder()
  const first = await keepSecrets(dataDir)
  const mode = (await stat(join(dataDir, 'secrets.json'))).mode & 0o777
  const second = await keepSecrets(dataDir)
  expect(second).toEqual(first)
  expect(mode).toBe(0o600)
  expect(makeSecrets()).not.toEqual(first)
})
