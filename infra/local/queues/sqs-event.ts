import { createHash } from 'node:crypto'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import type { ReceivedDoorbell } from '../../../lib/queue/doorbells.ts'

/** The event that Lambda makes of received messages. */
export const toSqsEvent = (messages: ReceivedDoorbell[], queueName: string, region: string): SQSEvent => {
  const now = String(Date.now())
  return {
    Records: messages.map(({ messageId, receiptHandle, body, receiveCount, sentAtMs }) => ({
      messageId,
      receiptHandle,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: String(sentAtMs),
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: now,
      },
      messageAttributes: {},
      md5OfBody: createHash('md5').update(body).digest('hex'),
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:${region}:000000000000:${queueName}`,
      awsRegion: region,
    })),
  }
}

/**
 * The messages that the function is done with. As Lambda has it, an answer that can't be understood, or names a message
 * that wasn't in the event, counts as the failure of all of them (AWS: "Implementing partial batch responses").
 */
export const succeeded = (messages: ReceivedDoorbell[], answer: unknown): ReceivedDoorbell[] => {
  if (answer === null || answer === undefined) return messages
  const failures = (answer as Partial<SQSBatchResponse>).batchItemFailures
  if (failures === null || failures === undefined) return messages
  if (!Array.isArray(failures)) return []
  const failed = new Set(failures.map((failure) => failure?.itemIdentifier))
  const known = new Set(messages.map(({ messageId }) => messageId))
  if (![...failed].every((id) => known.has(id))) return []
  return messages.filter(({ messageId }) => !failed.has(messageId))
}
