import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { SQSEvent } from 'aws-lambda'
import { createCondition } from '../../../lib/core/condition.ts'
import type { Logger } from '../../../lib/core/log.ts'
import type { DoorbellQueue, QueueName, ReceivedDoorbell } from '../../../lib/queue/doorbells.ts'
import { createBackoff } from '../shared/backoff.ts'
import { gatherDeletions } from './gathered-deletions.ts'
import { succeeded, toSqsEvent } from './sqs-event.ts'

export interface PollerOptions {
  queue: QueueName
  sqs: Pick<DoorbellQueue, 'receive' | 'delete'>
  region: string
  /** Messages per event, at most. */
  batchSize: number
  /** How long a batch that isn't full is waited for. */
  batchingWindowSeconds: number
  /** Invocations at once, at most: asked again each second while there are this many. */
  maximumConcurrency: () => number
  /** The function's time: a message is hidden for six times that, of which the function takes one at most. */
  timeoutMs: number
  /** Calls the function. A rejection leaves the messages to their visibility timeout. */
  invoke: (event: SQSEvent) => Promise<unknown>
  log: Logger
}

export interface Poller {
  /** Receives nothing more. Resolves when the invocations that are under way have ended, and their messages are deleted. */
  stop(): Promise<void>
}

const LONG_POLL_SECONDS = 20

/** How often it is asked how many invocations there may be, while there are that many. */
const CHECK_MS = 1_000

/** Less than lies between two doorbells of one process (gathered-doorbells.ts). */
const PAUSE_MS = 3

/** Does what Lambda's event source mapping does: receives messages, calls the function, and deletes those that succeeded. */
export const startPoller = (options: PollerOptions): Poller => {
  const { queue, sqs, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const running = new Set<Promise<void>>()
  const ended = createCondition()
  const backoff = createBackoff()
  const deletions = gatherDeletions({ queue, sqs, retryMs: 5 * options.timeoutMs, log })

  const receive = async (max: number, waitSeconds: number): Promise<ReceivedDoorbell[]> => {
    try {
      const messages = await sqs.receive(queue, { max, waitSeconds, signal })
      if (backoff.failures > 0) log.info({ queue, failures: backoff.failures }, 'SQS can be reached again')
      backoff.reset()
      return messages
    } catch (error) {
      if (signal.aborted) return []
      if (backoff.failures === 0) log.warn({ err: error, queue }, 'SQS cannot be reached')
      await backoff.pause(signal)
      return []
    }
  }

  /** Takes what comes within the window into the batch, until it is full. */
  const fill = async (batch: ReceivedDoorbell[]): Promise<ReceivedDoorbell[]> => {
    const until = performance.now() + options.batchingWindowSeconds * 1_000
    while (batch.length < options.batchSize && !signal.aborted) {
      const leftSeconds = Math.floor((until - performance.now()) / 1_000)
      if (leftSeconds < 1) break
      batch.push(...(await receive(options.batchSize - batch.length, Math.min(leftSeconds, LONG_POLL_SECONDS))))
    }
    return batch
  }

  const handle = async (batch: ReceivedDoorbell[]): Promise<void> => {
    try {
      const answer = await options.invoke(toSqsEvent(batch, `stint-${queue}`, options.region))
      deletions.add(succeeded(batch, answer).map(({ receiptHandle }) => receiptHandle))
    } catch (error) {
      log.warn({ err: error, queue, messages: batch.length }, 'messages were not handled; SQS gives them again')
    }
  }

  /** Or some time is over. */
  const oneEnded = async (): Promise<void> => {
    await ended.wait(CHECK_MS)
    // If this process stood still itself, what others said meanwhile is read first.
    await nextTurn()
  }

  const poll = async (): Promise<void> => {
    while (!signal.aborted) {
      if (running.size >= options.maximumConcurrency()) {
        await oneEnded()
        continue
      }
      const batch = await receive(options.batchSize, LONG_POLL_SECONDS)
      if (batch.length === 0) continue
      const run: Promise<void> = handle(await fill(batch)).finally(() => {
        running.delete(run)
        ended.notify()
      })
      running.add(run)
      // There were no more: polling again at once would take the processor from the function that was just called.
      if (batch.length < options.batchSize) await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }

  const polling = poll()
  return {
    stop: async () => {
      stopping.abort()
      await polling
      await Promise.all(running)
      await deletions.stop()
    },
  }
}
