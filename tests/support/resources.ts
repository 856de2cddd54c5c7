import { randomBytes } from 'node:crypto'
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import postgres from 'postgres'
import { localEnvironment, makeSecrets } from '../../infra/local/supervisor/local-config.ts'
import { LOCAL_CREDENTIALS } from '../../lib/core/local-credentials.ts'
import { QUEUES, type QueueName } from '../../lib/queue/doorbells.ts'
import { withDatabase } from './given-stack.ts'
import type { TestStack } from './global-setup.ts'

/** What one test has for itself: a database, queues, a bucket, a topic. */
export interface Resources {
  database: string
  environment: Record<string, string>
  /** Gives all of it back. A database that is kept can be looked into while `vitest --watch` runs. */
  remove(options: { keepDatabase: boolean }): Promise<void>
}

const secrets = makeSecrets()
let admin: postgres.Sql | undefined
let sqs: SQSClient | undefined

export const makeResources = async (stack: TestStack): Promise<Resources> => {
  const name = `test-${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`
  admin ??= postgres(stack.adminUrl, { max: 2, idle_timeout: 5, onnotice: () => {} })
  sqs ??= new SQSClient({
    region: stack.region,
    endpoint: stack.awsUrl,
    credentials: LOCAL_CREDENTIALS,
  })
  const [databaseUrl, queueUrls] = await Promise.all([
    copyTemplate(admin, stack, name),
    makeQueues(sqs, name),
    makeBucket(stack.awsUrl, name),
  ])
  return {
    database: name,
    environment: {
      ...localEnvironment(
        {
          postgres: { url: databaseUrl },
          sqsS3: { url: stack.awsUrl, region: stack.region, queueUrls, bucket: name },
          kafka: { address: stack.kafkaAddress },
        },
        secrets,
      ),
      KAFKA_TOPIC: name,
      ...stack.environment,
      LOG_LEVEL: 'silent',
    },
    remove: async ({ keepDatabase }) => {
      await Promise.all([
        keepDatabase ? console.error(`The test's database is kept: ${databaseUrl}`) : dropDatabase(name),
        ...Object.values(queueUrls).map((QueueUrl) => sqs?.send(new DeleteQueueCommand({ QueueUrl }))),
      ])
    },
  }
}

const copyTemplate = async (sql: postgres.Sql, stack: TestStack, name: string): Promise<string> => {
  // Copied as files, and not page by page through the log: a third of the time.
  await sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(stack.template)} STRATEGY file_copy`
  return withDatabase(stack.databaseUrl, name)
}

const dropDatabase = async (name: string): Promise<void> => {
  if (admin) await admin`DROP DATABASE ${admin(name)} WITH (FORCE)`
}

const makeQueues = async (client: SQSClient, name: string): Promise<Record<QueueName, string>> => {
  const made = QUEUES.map(async (queue) => {
    const { QueueUrl } = await client.send(
      new CreateQueueCommand({ QueueName: `${name}-${queue}`, Attributes: { VisibilityTimeout: '60' } }),
    )
    return [queue, QueueUrl]
  })
  return Object.fromEntries(await Promise.all(made))
}

const makeBucket = async (awsUrl: string, name: string): Promise<void> => {
  const answer = await fetch(`${awsUrl}/${name}`, { method: 'PUT' })
  if (!answer.ok) throw new Error(`the bucket could not be made: ${answer.status} ${await answer.text()}`)
}
