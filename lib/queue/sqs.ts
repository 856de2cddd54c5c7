import type { ReceiveMessageRequest } from '@aws-sdk/client-sqs'
import { type Doorbell, type DoorbellQueue, MAX_MESSAGES, type QueueName, type Ring } from './doorbells.ts'
import { createSqsWire } from './sqs-wire.ts'

export interface SqsOptions {
  region: string
  endpoint: string | undefined
  queueUrls: Record<QueueName, string>
  /** Called with how many doorbells SQS has taken. */
  onSent?: (queue: QueueName, doorbells: number) => void
}

/** Doorbells over SQS. */
export const createSqsDoorbells = ({ region, endpoint, queueUrls, onSent }: SqsOptions): DoorbellQueue => {
  const wire = createSqsWire({ region, endpoint })

  const sendBatch = async (queue: QueueName, rings: Ring[]): Promise<void> => {
    const { Failed: failed = [] } = await wire.call('SendMessageBatch', {
      QueueUrl: queueUrls[queue],
      Entries: rings.map((ring, index) => ({
        Id: String(index),
        MessageBody: JSON.stringify({ v: 1, queue, n: ring.n } satisfies Doorbell),
        ...(ring.delaySeconds && { DelaySeconds: ring.delaySeconds }),
      })),
    })
    onSent?.(queue, rings.length - failed.length)
    if (failed.length > 0)
      throw new Error(`SQS refused ${failed.length} of ${rings.length} doorbells: ${failed[0]?.Message}`)
  }

  return {
    ring: async (rings) => {
      const byQueue = Map.groupBy(rings, (ring) => ring.queue)
      await Promise.all(
        [...byQueue].flatMap(([queue, all]) =>
          Array.from({ length: Math.ceil(all.length / MAX_MESSAGES) }, (_, i) =>
            sendBatch(queue, all.slice(i * MAX_MESSAGES, (i + 1) * MAX_MESSAGES)),
          ),
        ),
      )
    },

    receive: async (queue, { max, waitSeconds, signal }) => {
      const asked: ReceiveMessageRequest = {
        QueueUrl: queueUrls[queue],
        MaxNumberOfMessages: max,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      }
      const { Messages = [] } = await wire.call('ReceiveMessage', asked, { signal, waitSeconds })
      return Messages.map((message) => ({
        messageId: message.MessageId ?? '',
        receiptHandle: message.ReceiptHandle ?? '',
        body: message.Body ?? '',
        receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
        sentAtMs: Number(message.Attributes?.SentTimestamp ?? 0),
      }))
    },

    delete: async (queue, receiptHandles) => {
      if (receiptHandles.length === 0) return
      const { Failed: failed = [] } = await wire.call('DeleteMessageBatch', {
        QueueUrl: queueUrls[queue],
        Entries: receiptHandles.map((handle, index) => ({ Id: String(index), ReceiptHandle: handle })),
      })
      if (failed.length > 0)
        throw new Error(
          `SQS refused to delete ${failed.length} of ${receiptHandles.length} messages: ${failed[0]?.Message}`,
        )
    },

    visible: async (queue) => {
      const { Attributes } = await wire.call('GetQueueAttributes', {
        QueueUrl: queueUrls[queue],
        AttributeNames: ['ApproximateNumberOfMessages'],
      })
      return Number(Attributes?.['ApproximateNumberOfMessages'] ?? 0)
    },

    close: () => wire.close(),
  }
}
