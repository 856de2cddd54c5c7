import { QUEUES, type QueueName } from '../../../lib/queue/doorbells.ts'
import { type Component, startChild } from './component.ts'
import type { SqsS3Options as EntryOptions, SqsS3Ready } from './sqs-s3-process.ts'

export interface SqsS3 extends Component {
  url: string
  region: string
  queueUrls: Record<QueueName, string>
  bucket: string
}

export interface SqsS3Options {
  /** Its files are in the folder `s3` in there; its queues are in memory, and empty after a restart. */
  dataDir: string
  /** 0 or none: any free one. */
  port?: number
  /** Seconds for which a received message is hidden. AWS asks for at least six times the function's time. */
  visibilityTimeoutSeconds?: number
  /** Hears what the process prints. */
  onLine?: (line: string) => void
}

const REGION = 'eu-central-1'
const BUCKET = 'stint'

/** How often a doorbell may be received before it goes to the dead letters. */
const MAX_RECEIVES = 5

/** SQS and S3 on one port of the loopback interface, by fauxqs, with the queues and the bucket made. */
export const startSqsS3 = async (options: SqsS3Options): Promise<SqsS3> => {
  const { dataDir, port = 0, visibilityTimeoutSeconds = 60 } = options
  const child = await startChild<SqsS3Ready>({
    name: 'sqs-s3',
    entry: 'sqs-s3-process.ts',
    options: {
      dataDir,
      port,
      region: REGION,
      bucket: BUCKET,
      queues: QUEUES.flatMap((queue) => withDeadLetters(`stint-${queue}`, visibilityTimeoutSeconds)),
    } satisfies EntryOptions,
    readySeconds: 60,
    ...(options.onLine && { onLine: options.onLine }),
  })
  return {
    name: 'sqs-s3',
    pid: child.process.pid ?? 0,
    port: child.ready.port,
    ...sqsS3At(child.ready.port),
    stop: child.stop,
    exited: child.exited,
  }
}

/** How to reach SQS and S3 on a port of this machine. */
export const sqsS3At = (port: number): Pick<SqsS3, 'url' | 'region' | 'queueUrls' | 'bucket'> => {
  const url = `http://127.0.0.1:${port}`
  const queueUrls = Object.fromEntries(QUEUES.map((queue) => [queue, `${url}/000000000000/stint-${queue}`]))
  return { url, region: REGION, queueUrls: queueUrls as Record<QueueName, string>, bucket: BUCKET }
}

const withDeadLetters = (name: string, visibilityTimeoutSeconds: number): EntryOptions['queues'] => [
  { name: `${name}-dead`, attributes: {} },
  {
    name,
    attributes: {
      VisibilityTimeout: String(visibilityTimeoutSeconds),
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: `arn:aws:sqs:${REGION}:000000000000:${name}-dead`,
        maxReceiveCount: MAX_RECEIVES,
      }),
    },
  },
]
