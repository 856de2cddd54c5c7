import { CreateBucketCommand, HeadBucketCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { App } from '../../lib/app.ts'
import type { Config } from '../../lib/core/config.ts'
import { LOCAL_CREDENTIALS } from '../../lib/core/local-credentials.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'

/** The same as in infra/deploy/queues.yml and bucket.yml. */
const VISIBILITY_SECONDS = '960'
const MAX_RECEIVES = 5
const CORS_RULE = {
  AllowedOrigins: ['*'],
  AllowedMethods: ['GET', 'PUT'],
  AllowedHeaders: ['*'],
  ExposeHeaders: ['ETag'],
  MaxAgeSeconds: 7_200,
}

/** Makes the queues, their dead-letter queues and the bucket, if they are missing. */
export const makeQueuesAndBucket = async (config: Config): Promise<void> => {
  await makeQueues(config)
  await makeBucket(config)
}

/** The errors by which SQS and S3 say that a queue or a bucket doesn't exist. */
const UNKNOWN = new Set(['QueueDoesNotExist', 'NotFound', 'NoSuchBucket'])

/** @returns whether SQS or S3 has forgotten what was made there. One that doesn't answer has not. */
export const areForgotten = async ({ queue, files }: Pick<App, 'queue' | 'files'>): Promise<boolean> => {
  const looks = await Promise.allSettled([...QUEUES.map((name) => queue.visible(name)), files.ready()])
  return looks.some((it) => it.status === 'rejected' && UNKNOWN.has(it.reason.name))
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
    // us-east-1 is where S3 makes it when nothing is said, and the one region that it refuses by name.
    const place = region !== 'us-east-1' && { CreateBucketConfiguration: { LocationConstraint: region as never } }
    await client.send(new CreateBucketCommand({ Bucket: bucket, ...place }))
  }
  // Pages send files to the bucket and fetch them from it directly.
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [CORS_RULE] } }))
  client.destroy()
}
