import type { Logger } from '../../../lib/core/log.ts'
import { type DoorbellQueue, MAX_MESSAGES, type QueueName } from '../../../lib/queue/doorbells.ts'
import { createBackoff } from '../shared/backoff.ts'

export interface DeletionsOptions {
  queue: QueueName
  sqs: Pick<DoorbellQueue, 'delete'>
  /** How long a deletion that fails is tried again. Then its messages are about to be visible anyway. */
  retryMs: number
  log: Logger
}

export interface GatheredDeletions {
  /** To be deleted soon. Nobody waits for it. */
  add(receiptHandles: readonly string[]): void
  /** Deletes what waits. What fails now is tried once more, and then logged. */
  stop(): Promise<void>
}

/** How long a deletion waits for nine others. Messages stay hidden for six seconds at least. */
const LONGEST_WAIT_MS = 1_000

/**
 * Deletes a queue's messages with as few requests as SQS allows: at fifty messages a second, five requests and not fifty. If the
 * process is killed before, SQS delivers them again, which doorbells allow.
 */
export const gatherDeletions = ({ queue, sqs, retryMs, log }: DeletionsOptions): GatheredDeletions => {
  const stopping = new AbortController()
  const { signal } = stopping
  const waiting: string[] = []
  const sending = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined

  /** Repeats the whole request: deleting again what is already deleted is no error. */
  const deleteBatch = async (receiptHandles: string[]): Promise<void> => {
    const until = performance.now() + retryMs
    const backoff = createBackoff()
    for (;;) {
      const isLastTry = signal.aborted || performance.now() >= until
      try {
        return await sqs.delete(queue, receiptHandles)
      } catch (error) {
        const about = { err: error, queue, messages: receiptHandles.length }
        if (isLastTry) return log.warn(about, 'handled messages were not deleted; SQS gives them again')
        if (backoff.failures === 0) log.warn(about, 'handled messages could not be deleted yet')
        await backoff.pause(signal)
      }
    }
  }

  const send = (): void => {
    const sent: Promise<void> = deleteBatch(waiting.splice(0, MAX_MESSAGES)).finally(() => sending.delete(sent))
    sending.add(sent)
  }

  const sendAll = (): void => {
    clearTimeout(timer)
    timer = undefined
    while (waiting.length > 0) send()
  }

  return {
    add: (receiptHandles) => {
      waiting.push(...receiptHandles)
      while (waiting.length >= MAX_MESSAGES) send()
      if (waiting.length === 0) {
        clearTimeout(timer)
        timer = undefined
      } else timer ??= setTimeout(sendAll, LONGEST_WAIT_MS)
    },
    stop: async () => {
      stopping.abort()
      sendAll()
      await Promise.all(sending)
    },
  }
}
