import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaClient, type KafkaConsumer } from 'kafka-crab-js'
import { fromMessage } from '../../lib/events/cloud-event.ts'

// A consumer in a process of its own: librdkafka prints messages about brokers that are killed, and can't be told not to.
// The parent says where the broker is; this says which events came, as `[job:seq, type]`.

export type FromConsumer = [id: string, type: string][]
export interface ToConsumer {
  topic: string
  address: string
}

const PARTITIONS = [0, 1, 2, 3]

let wanted: ToConsumer | undefined
let listening: { address: string; consumer: KafkaConsumer } | undefined

const connectTo = async ({ topic, address }: ToConsumer): Promise<void> => {
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
  if (wanted && wanted.address !== listening?.address) await connectTo(wanted)
  if (!listening) return void (await sleep(20))
  const messages = await listening.consumer.recvBatch(1_000, 50)
  if (messages.length === 0) return
  const events = messages.map(({ payload }): [string, string] => {
    const { id, type } = fromMessage(payload)
    return [id, type]
  })
  process.send?.(events satisfies FromConsumer)
}

process.on('message', (message: ToConsumer) => {
  wanted = message
})
process.on('disconnect', () => process.exit(0))
for (;;) await take().catch(() => sleep(50))
