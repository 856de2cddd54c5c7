import { CreateBucketCommand, HeadBucketCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { migrateUp } from '../../db/migrate.ts'
import { type Config, readConfig } from '../../lib/core/config.ts'
import { readHostConfig } from '../../lib/core/host-config.ts'
import { LOCAL_CREDENTIALS } from '../../lib/core/local-credentials.ts'
import { keepSecrets } from '../local/local-config.ts'

// `node infra/docker/prepare.ts`: the tables, the queues and the bucket that are missing, and the keys that tokens are made
// with. On AWS the stack makes them; here whoever starts the containers. It can be run again at any time.

/** As infra/deploy/queues.yml and bucket.yml have it. */
const VISIBILITY_SECONDS = '960'
const MAX_RECEIVES = 5
const CORS_RULE = {
  AllowedOrigins: ['*'],
  AllowedMethods: ['GET', 'PUT'],
  AllowedHeaders: ['*'],
  ExposeHeaders: ['ETag'],
  MaxAgeSeconds: 7_200,
}

const main = async (): Promise<void> => {
  const secrets = await keepSecrets(readHostConfig(process.env).dataDir)
  const config = readConfig({ ...secrets, ...process.env })
  await migrateUp(config.database.url)
  await makeQueues(config)
  await makeBucket(config)
  console.log('Tables, queues and the bucket are there.')
}

const makeQueues = async ({ region, sqs: { endpoint, queueUrls } }: Config): Promise<void> => {
  const client = new SQSClient({ region, ...(endpoint && { endpoint, credentials: LOCAL_CREDENTIALS }) })
  for (const url of Object.values(queueUrls)) {
    const name = new URL(url).pathname.split('/').at(-1) ?? ''
    const dead = await client.send(new CreateQueueCommand({ QueueName: `${name}-dead` }))
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: dead.QueueUrl, AttributeNames: ['QueueArn'] }),
    )
    const made = await client.send(new CreateQueueCommand({ QueueName: name }))
    await client.send(
      new SetQueueAttributesCommand({
        QueueUrl: made.QueueUrl,
        Attributes: {
          VisibilityTimeout: VISIBILITY_SECONDS,
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: Attributes?.['QueueArn'],
            maxReceiveCount: MAX_RECEIVES,
          }),
        },
      }),
    )
  }
  client.destroy()
}

const makeBucket = async ({ region, s3: { endpoint, bucket } }: Config): Promise<void> => {
  const client = new S3Client({
    region,
    ...(endpoint && { endpoint, credentials: LOCAL_CREDENTIALS, forcePathStyle: true }),
  })
  const isThere = await client.send(new HeadBucketCommand({ Bucket: bucket })).then(
    () => true,
    (error: Error) => {
      if (error.name === 'NotFound') return false
      throw error
    },
  )
  if (!isThere) {
    await client.send(
      new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: region as never } }),
    )
  }
  // Pages send and fetch files straight from there.
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [CORS_RULE] } }))
  client.destroy()
}

await main()
