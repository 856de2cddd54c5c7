import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, readConfig } from '../../../lib/core/config.ts'
import { type HostConfig, readHostConfig } from '../../../lib/core/host-config.ts'
import type { KafkaBroker } from '../components/kafka.ts'
import type { Postgres } from '../components/postgres.ts'
import { type SqsS3, sqsS3At } from '../components/sqs-s3.ts'
import { writePrivate } from '../shared/write-private.ts'

export interface LocalStack {
  postgres: Pick<Postgres, 'url'>
  sqsS3: Pick<SqsS3, 'url' | 'region' | 'queueUrls' | 'bucket'>
  kafka: Pick<KafkaBroker, 'address'>
}

/** Where mails are stored as files if SMTP_URL isn't set. */
export const mailFolder = (dataDir: string): string => join(dataDir, 'mail')

/** The keys that tokens are made with. */
export interface Secrets extends SigningSecrets {
  JOB_SECRET_KEY: string
}

/** Those that sign people in. */
interface SigningSecrets {
  AUTH_SIGNING_KEYS: string
  AUTH_REFRESH_KEY: string
}

/** The functions' environment (`lib/core/config.ts`) for the components that run here. */
export const localEnvironment = ({ postgres, sqsS3, kafka }: LocalStack, secrets: Secrets): Record<string, string> => ({
  DATABASE_URL: postgres.url,
  AWS_REGION: sqsS3.region,
  SQS_ENDPOINT: sqsS3.url,
  SQS_QUEUE_URL_DEFAULT: sqsS3.queueUrls.default,
  SQS_QUEUE_URL_COMPUTE: sqsS3.queueUrls.compute,
  SQS_QUEUE_URL_BULK: sqsS3.queueUrls.bulk,
  S3_ENDPOINT: sqsS3.url,
  S3_BUCKET: sqsS3.bucket,
  KAFKA_BROKERS: kafka.address,
  // Derived from the signing keys.
  AUTH_PUBLIC_KEYS: '',
  ...secrets,
})

/** A made-up stack, to check the rest of a configuration with. */
const ANY_STACK: LocalStack = {
  postgres: { url: 'postgres://localhost/stint' },
  sqsS3: sqsS3At(1),
  kafka: { address: 'localhost:9092' },
}

/**
 * The host's configuration, after a check of the functions' variables too.
 * @throws {ConfigError} that lists every variable of either that is wrong
 */
export const readLocalConfig = (env: Record<string, string | undefined>): HostConfig => {
  const problems = new Set([
    ...problemsOf(() => readHostConfig(env)),
    ...problemsOf(() => readConfig({ ...env, ...localEnvironment(ANY_STACK, makeSecrets()) })),
  ])
  if (problems.size > 0) throw ConfigError.of([...problems])
  return readHostConfig(env)
}

const problemsOf = (read: () => unknown): readonly string[] => {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const kept = z.object({ AUTH_SIGNING_KEYS: z.string(), AUTH_REFRESH_KEY: z.string() })

/** The keys of a data folder, made at its first start and kept, so that tokens outlive a restart. */
export const keepSecrets = async (dataDir: string): Promise<Secrets> => {
  const file = join(dataDir, 'secrets.json')
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text !== undefined) return readSecrets(text, file)
  const { JOB_SECRET_KEY: _, ...secrets } = makeSecrets()
  await mkdir(dataDir, { recursive: true })
  await writePrivate(file, secrets)
  return withJobKey(secrets)
}

const readSecrets = (text: string, file: string): Secrets => {
  try {
    return withJobKey(kept.parse(JSON.parse(text)))
  } catch (cause) {
    const say = `${file} holds no keys. Move it away, and new ones are made; everybody then signs in again.`
    throw new Error(say, { cause })
  }
}

/** New keys: Ed25519 for access tokens, 256 bits for refresh tokens and for secrets of jobs. */
export const makeSecrets = (): Secrets => {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return withJobKey({
    AUTH_SIGNING_KEYS: JSON.stringify([{ kid: randomBytes(8).toString('hex'), ...jwk }]),
    AUTH_REFRESH_KEY: randomBytes(32).toString('base64'),
  })
}

/** Derived from the refresh key, so that older folders have it too. It doesn't reveal that key. */
const withJobKey = (secrets: SigningSecrets): Secrets => ({
  ...secrets,
  JOB_SECRET_KEY: createHmac('sha256', Buffer.from(secrets.AUTH_REFRESH_KEY, 'base64'))
    .update('secrets of jobs')
    .digest('base64'),
})
