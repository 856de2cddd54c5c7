import { KafkaClient, type Message } from 'kafka-crab-js'
import { Kafka, KafkaJSProtocolError, logLevel } from 'kafkajs'

/** How long a message that the broker has may take to arrive. */
const PATIENCE_MS = 60_000

/**
 * Every message of a topic up to its present end, in the order of each partition. It reads without a consumer group:
 * the mock broker lets a new group wait three seconds.
 */
export const readTopic = async (broker: string, topic: string): Promise<Message[]> => {
  const ends = await endOffsets(broker, topic)
  const expected = ends.reduce((sum, { end }) => sum + end, 0)
  if (expected === 0) return []
  const client = new KafkaClient({ brokers: broker, clientId: 'stint-test', logLevel: 'error' })
  const consumer = client.createConsumer({
    groupId: `read-${topic}`,
    enableAutoCommit: false,
    configuration: { 'fetch.wait.max.ms': 10 },
  })
  try {
    await consumer.subscribe([
      { topic, partitionOffset: ends.map(({ partition }) => ({ partition, offset: { offset: 0 } })) },
    ])
    const read: Message[] = []
    for (const deadline = Date.now() + PATIENCE_MS; read.length < expected; ) {
      if (Date.now() > deadline) throw new Error(`Kafka has ${expected} messages in ${topic}, and gave ${read.length}`)
      read.push(...(await consumer.recvBatch(1_000, 20)))
    }
    return read.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  } finally {
    await consumer.disconnect()
  }
}

const endOffsets = async (broker: string, topic: string): Promise<{ partition: number; end: number }[]> => {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin()
  try {
    await admin.connect()
    const offsets = await admin.fetchTopicOffsets(topic)
    return offsets.map(({ partition, high }) => ({ partition, end: Number(high) }))
  } catch (error) {
    // Topics come into being with their first message.
    const { cause } = error as Error
    if (cause instanceof KafkaJSProtocolError && cause.type === 'UNKNOWN_TOPIC_OR_PARTITION') return []
    throw error
  } finally {
    await admin.disconnect()
  }
}
