import { randomUUID } from 'node:crypto'
import type { App } from '../../../lib/app.ts'
import { type Stream, startKafkaStream, type TopicRecord } from '../../../lib/events/kafka.ts'
import type { StreamHandler } from '../../../lib/events/stream.ts'
import { createContext, withinTime } from '../host/invocation.ts'
import type { StreamEntry } from '../host/routing-table.ts'
import { untilDone } from '../shared/backoff.ts'
import { toKafkaEvent } from './kafka-event.ts'

export interface StreamHostOptions {
  app: App
  entry: StreamEntry
  handler: StreamHandler
  /** Whether it stops polling Kafka while nothing comes, until it is woken; see {@link StreamOptions}. */
  rests?: boolean
}

/** What Lambda's event source mapping does for a Kafka-triggered function. */
export interface StreamHost {
  /** Reads from these brokers from now on: `host:port`, separated by commas. */
  follow(brokers: string): void
  /** Something was published. */
  wake(): void
  stop(): Promise<void>
}

/** A broker that is gone doesn't answer a goodbye. */
const GOODBYE_MS = 2_000

export const createStreamHost = ({ app, entry, handler, rests = false }: StreamHostOptions): StreamHost => {
  const { topic } = app.config.kafka
  let current: { brokers: string; stopping: AbortController; consumer: Stream | undefined } | undefined

  /** A rejection makes the consumer give the same records again, as Lambda does. */
  const invoke = async (brokers: string, read: () => TopicRecord[]): Promise<void> => {
    const requestId = randomUUID()
    const timeoutMs = entry.timeoutSeconds * 1_000
    const context = createContext(app, { functionName: entry.functionName, requestId, timeoutMs })
    await withinTime(handler(toKafkaEvent(topic, brokers, read), context), timeoutMs)
  }

  const follow = (brokers: string): void => {
    if (current?.brokers === brokers) return
    void leave()
    const mine = { brokers, stopping: new AbortController(), consumer: undefined as Stream | undefined }
    current = mine
    const start = async (): Promise<void> => {
      mine.consumer = await startKafkaStream({
        brokers: brokers.split(','),
        // Hosts with different topics may share a broker: in one group, each would get partitions of the other's topic.
        groupId: `${entry.consumerGroupId}.${topic}`,
        topic,
        log: app.log,
        maxRecords: entry.batchSize,
        rests,
        onRecords: (read) => invoke(brokers, read),
        onCrash: () => void keepStarted(),
      })
      if (mine.stopping.signal.aborted) await mine.consumer.stop()
    }
    const keepStarted = (): Promise<boolean> =>
      untilDone(start, { log: app.log, failed: 'Kafka cannot be read', signal: mine.stopping.signal })
    void keepStarted()
  }

  const leave = async (): Promise<void> => {
    const left = current
    current = undefined
    left?.stopping.abort()
    const goodbye = left?.consumer?.stop().catch((error) => app.log.debug({ err: error }, 'a consumer did not leave'))
    await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref())])
  }

  return { follow, wake: () => current?.consumer?.wake(), stop: leave }
}
