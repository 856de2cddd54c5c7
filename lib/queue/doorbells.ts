/** The queues: classes of latency and size, one SQS queue each. */
export const QUEUES = ['default', 'compute', 'bulk'] as const
export type QueueName = (typeof QUEUES)[number]

/** The queue, in metrics, of a message that isn't a doorbell. */
export const UNKNOWN_QUEUE = 'unknown'

/** "There is work worth n claims." It names no job: losing, repeating or reordering doorbells does no harm. */
export interface Doorbell {
  v: 1
  queue: QueueName
  n: number
}

/** A doorbell to send. `delaySeconds`: 0–900, whole. */
export interface Ring {
  queue: QueueName
  n: number
  delaySeconds?: number
}

/** SQS delays a message for at most 15 minutes (AWS: "Amazon SQS message timers"). For later jobs the sweep rings. */
export const MAX_DOORBELL_DELAY_SECONDS = 900

/** How many whole seconds a doorbell must wait so that its job is due when it rings; null if that is too long for SQS. */
export const doorbellDelaySeconds = (delayMs: number): number | null => {
  if (delayMs <= 0) return 0
  const seconds = Math.ceil(delayMs / 1_000) + 1
  return seconds <= MAX_DOORBELL_DELAY_SECONDS ? seconds : null
}

export interface ReceivedDoorbell {
  messageId: string
  receiptHandle: string
  body: string
  receiveCount: number
  /** When it was sent, by SQS's clock. */
  sentAtMs: number
}

/** The most messages that SQS takes or deletes in one request (AWS: "SendMessageBatch", "DeleteMessageBatch"). */
export const MAX_MESSAGES = 10

/** The seam to SQS. Every call is one request for up to ten messages. */
export interface DoorbellQueue {
  /** Sends doorbells, ten per request. @throws if the queue cannot be reached or refused one of them */
  ring(rings: Ring[]): Promise<void>
  /** Waits up to `waitSeconds` (0–20) for at most `max` (1–10) messages. */
  receive(
    queue: QueueName,
    options: { max: number; waitSeconds: number; signal?: AbortSignal },
  ): Promise<ReceivedDoorbell[]>
  /** Deletes up to ten messages. @throws if the queue cannot be reached or refused one of them: then all may be tried again */
  delete(queue: QueueName, receiptHandles: string[]): Promise<void>
  /** How many messages can be received now; approximate, as SQS counts. */
  visible(queue: QueueName): Promise<number>
  close(): void
}
