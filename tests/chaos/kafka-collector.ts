import { KafkaClient, type KafkaConsumer } from 'kafka-crab-js'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromMessage } from '../../lib/events/cloud-event.ts'

/** A consumer of all events, as anybody may write one: it drops what it has seen by job and number. */
export interface KafkaCollector {
  /** Type by `job:seq` of every event that came. */
  events: ReadonlyMap<string, string>
  /** How many came more than once. */
  repeated: () => number
  /** The broker that it listens to; undefined while there is none. */
  address: () => string | undefined
  stop(): Promise<void>
}

const PARTITIONS = [0, 1, 2, 3]

/** @param addressNow where Kafka is. A broker that comes back has another address and an empty log. */
export const collectEvents = (topic: string, addressNow: () => string | undefined): KafkaCollector => {
  const events = new Map<string, string>()
  let repeated = 0
  let stopped = false
  let listening: { address: string; consumer: KafkaConsumer } | undefined

  const connectTo = async (address: string): Promise<void> => {
    await listening?.consumer.disconnect().catch(() => {})
    const client = new KafkaClient({ brokers: address, clientId: 'chaos', logLevel: 'error' })
    const consumer = client.createConsumer({
      groupId: 'chaos',
      enableAutoCommit: false,
      configuration: { 'fetch.wait.max.ms': 20, 'allow.auto.create.topics': true },
    })
    // From the beginning, and without a consumer group, for which the broker would let it wait.
    const partitionOffset = PARTITIONS.map((partition) => ({ partition, offset: { offset: 0 } }))
    await consumer.subscribe([{ topic, partitionOffset }])
    listening = { address, consumer }
  }

  const take = async (): Promise<void> => {
    const address = addressNow()
    if (address && address !== listening?.address) await connectTo(address)
    if (!listening) return void (await sleep(50))
    for (const { payload } of await listening.consumer.recvBatch(1_000, 50)) {
      const { id, type } = fromMessage(payload)
      if (events.has(id)) repeated++
      events.set(id, type)
    }
  }

  const taking = (async () => {
    while (!stopped) await take().catch(() => sleep(50))
    await listening?.consumer.disconnect().catch(() => {})
  })()

  return {
    events,
    repeated: () => repeated,
    address: () => listening?.address,
    stop: async () => {
      stopped = true
      await taking
    },
  }
}
