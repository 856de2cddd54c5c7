import type { SQSEvent } from 'aws-lambda'
import type { App } from '../../lib/app.ts'
import type { QueueName, ReceivedDoorbell } from '../../lib/queue/doorbells.ts'
import { lambdaContext } from './lambda-context.ts'

export interface WorkOptions {
  /** The time that one invocation has. */
  functionSeconds?: number
  /** Messages per invocation. */
  batchSize?: number
}

export interface WorkDone {
  invocations: number
  /** Messages that the function gave back. */
  failures: number
}

/**
 * What Lambda does with an SQS queue: receives doorbells, calls the worker with them, deletes those that it didn't
 * report as failed; until the queue shows no message.
 */
export const work = async (app: App, queue: QueueName, options: WorkOptions = {}): Promise<WorkDone> => {
  const { functionSeconds = 30, batchSize = 10 } = options
  const { handler } = await import('../../functions/queue/worker.ts')
  const done = { invocations: 0, failures: 0 }
  for (;;) {
    const received = await app.queue.receive(queue, { max: batchSize, waitSeconds: 0 })
    if (received.length === 0) return done
    const event = sqsEvent(received, app.config.sqs.queueUrls[queue], app.config.region)
    const { batchItemFailures } = await handler(event, lambdaContext(app, functionSeconds))
    const failed = new Set(batchItemFailures.map((item) => item.itemIdentifier))
    const answered = received.filter((message) => !failed.has(message.messageId))
    await app.queue.delete(
      queue,
      answered.map((message) => message.receiptHandle),
    )
    done.invocations += 1
    done.failures += failed.size
  }
}

/** Doorbells as Lambda hands them to a function. */
export const sqsEvent = (messages: ReceivedDoorbell[], queueUrl: string, region: string): SQSEvent => ({
  Records: messages.map((message) => ({
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: String(message.sentAtMs),
      SenderId: '000000000000',
      ApproximateFirstReceiveTimestamp: String(Date.now()),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:${new URL(queueUrl).pathname.slice(1).replace('/', ':')}`,
    awsRegion: region,
  })),
})
