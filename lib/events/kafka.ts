import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, {
  Kafka,
  type KafkaJSProtocolError,
  type KafkaMessage,
  logLevel,
  type PartitionerArgs,
  type Producer,
} from 'kafkajs'
import { lazily } from '../core/lazily.ts'
import type { Logger } from '../core/log.ts'
import { sendByPartition } from './by-partition.ts'
import { partitionOf } from './partitioner.ts'
import { type Message, PartlyPublishedError, type Publisher, TooLargeError } from './publisher.ts'
import { createRest } from './rest.ts'

export interface KafkaOptions {
  /** `host:port` of the bootstrap brokers; a function is called again for each connection. */
  brokers: string[] | (() => Promise<string[]>)
  log: Logger
}

/**
 * Publishes with acks=all, one request in flight, so that each partition keeps the order. If a request for several partitions
 * fails, nobody knows which of them took it. From then on each partition gets its own request, until all of those have taken
 * one.
 */
export const createKafkaPublisher = (options: KafkaOptions): Publisher => {
  const kafka = createClient(options)
  const { log } = options
  const known = new Set<string>()
  /** Of the topic, as the last request found it. */
  let partitions = 0
  /** Partitions that have taken nothing since a request with messages for them failed. */
  const suspects = new Set<number>()
  const partitioner = ({ partitionMetadata, message }: PartitionerArgs): number => {
    partitions = partitionMetadata.length
    return partitionOf(message.key ?? '', partitions)
  }
  const producer = lazily(async () => {
    const made = kafka.producer({
      maxInFlightRequests: 1,
      allowAutoTopicCreation: true,
      createPartitioner: () => partitioner,
    })
    await made.connect()
    return made
  })

  const drop = async (): Promise<void> => {
    known.clear()
    const dropped = await producer.drop()
    await dropped?.disconnect().catch((error) => log.debug({ err: error }, 'kafka producer did not disconnect'))
  }

  const send = async (it: Producer, topic: string, messages: Message[]): Promise<void> => {
    try {
      await it.send({ topic, acks: -1, messages })
    } catch (error) {
      if (isTooLarge(error)) throw new TooLargeError(`${messages.length} messages are too large`, { cause: error })
      throw error
    }
  }

  const sendPart = async (it: Producer, topic: string, part: Message[], partition: number): Promise<void> => {
    suspects.add(partition)
    await send(it, topic, part)
    suspects.delete(partition)
  }

  const makeSureOf = async (it: Producer, topic: string): Promise<void> => {
    if (known.has(topic)) return
    // Asks without messages: if the topic is still being created, some would be taken, and then sent again.
    await onceTopicIsMade(kafka, topic, () => it.send({ topic, acks: -1, messages: [] }))
    try {
      await partitionsAnswer(kafka, topic, LEADERLESS_MS)
    } catch (error) {
      if (!isWithoutLeader(error)) throw error
      // The topic exists, so a partition that has no leader must not hold up the others.
      partitions = await countPartitions(kafka, topic)
      for (let partition = 0; partition < partitions; partition++) suspects.add(partition)
    }
    known.add(topic)
  }

  return {
    publish: async (topic, messages) => {
      const it = await producer.get()
      try {
        if (suspects.size === 0) await makeSureOf(it, topic)
        if (suspects.size > 0)
          await sendByPartition(messages, partitions, (part, partition) => sendPart(it, topic, part, partition))
        else await send(it, topic, messages)
      } catch (error) {
        if (error instanceof TooLargeError || (error instanceof PartlyPublishedError && error.taken.size > 0))
          throw error
        if (partitions > 0) for (const { key } of messages) suspects.add(partitionOf(key, partitions))
        // The broker may have come back under another address: the next try looks it up again.
        await drop()
        throw error
      }
    },
    ready: async () => {
      const admin = kafka.admin()
      try {
        await admin.connect()
        await admin.describeCluster()
      } finally {
        await admin.disconnect()
      }
    },
    close: drop,
  }
}

export interface ConsumerOptions extends KafkaOptions {
  groupId: string
  topic: string
  /** Called with the messages of a partition one after the other, in order; each comes at least once. */
  onMessage: (value: Buffer) => void | Promise<void>
}

export interface Consumer {
  stop(): Promise<void>
}

/** Reads a topic as a member of a consumer group; a new group begins at the start. Resolves when it has joined. */
export const startKafkaConsumer = async (options: ConsumerOptions): Promise<Consumer> => {
  const { groupId, topic, onMessage } = options
  const kafka = createClient(options)
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, metadataMaxAge: LEADERS_MS })
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.connect()
  await onceTopicIsMade(kafka, topic, () => consumer.subscribe({ topics: [topic], fromBeginning: true }))
  await consumer.run({
    eachMessage: async ({ message: { value } }) => {
      if (value) await onMessage(value)
    },
  })
  await joined
  return { stop: () => consumer.disconnect() }
}

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: Record<string, Buffer>
}

export interface StreamOptions extends KafkaOptions {
  groupId: string
  topic: string
  /** At most this many at once. */
  maxRecords: number
  /**
   * Called with records of one partition, in order. When it resolves, the next ones follow; if it rejects, the same again. They
   * are decoded when `read` is called, which is not needed while nobody listens.
   */
  onRecords: (read: () => TopicRecord[]) => Promise<void>
  /** The consumer has ended and will not come back by itself. */
  onCrash: () => void
  /**
   * Whether it rests until it is woken while nothing comes. For a broker that doesn't answer a waiting request when something
   * comes, so that it has to be polled ten times a second.
   */
  rests?: boolean
}

export interface Stream extends Consumer {
  /** Something was published: wakes a resting consumer. */
  wake(): void
}

/** Partitions that are read at once. */
const PARTITIONS_AT_ONCE = 4
/**
 * How long a killed consumer keeps its partitions. Shorter than a request may take: a consumer that waits to join meanwhile must
 * not give up, or it would leave another dead member behind that the next one has to wait for.
 */
const SESSION_MS = 9_000

/**
 * The time between two commits of the group's offsets. By default the client commits after each batch of each partition, which
 * doubles the requests. After a restart, this much is read again.
 */
const COMMIT_EACH_MS = 1_000

/** Reads a topic in batches as a member of a consumer group, a new group from the beginning. */
export const startKafkaStream = async (options: StreamOptions): Promise<Stream> => {
  const { groupId, topic, maxRecords, onRecords, onCrash, rests = false } = options
  const kafka = createClient(options)
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 100,
    sessionTimeout: SESSION_MS,
    metadataMaxAge: LEADERS_MS,
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) onCrash()
  })
  const all = [{ topic }]
  const rest = rests ? createRest({ pause: () => consumer.pause(all), resume: () => consumer.resume(all) }) : undefined
  consumer.on(consumer.events.FETCH, () => rest?.asked())
  await consumer.connect()
  await onceTopicIsMade(kafka, topic, () => consumer.subscribe({ topics: [topic], fromBeginning: true }))
  await consumer.run({
    partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
    autoCommit: false,
    autoCommitInterval: COMMIT_EACH_MS,
    eachBatch: async (given) => {
      const { batch, resolveOffset, commitOffsetsIfNecessary, heartbeat, isRunning, isStale } = given
      const { partition, messages } = batch
      rest?.got()
      for (let from = 0; from < messages.length && isRunning() && !isStale(); from += maxRecords) {
        const some = messages.slice(from, from + maxRecords)
        await onRecords(() => some.map((message) => toRecord(partition, message)))
        resolveOffset(some.at(-1)?.offset ?? '')
        await commitOffsetsIfNecessary()
        await heartbeat()
      }
    },
  })
  return {
    wake: () => rest?.wake(),
    stop: () => {
      rest?.end()
      return consumer.disconnect()
    },
  }
}

/** Fields are decoded when they are read: listeners read little but the value. */
const toRecord = (partition: number, message: KafkaMessage): TopicRecord => ({
  partition,
  get offset() {
    return Number(message.offset)
  },
  get timestamp() {
    return Number(message.timestamp)
  },
  get key() {
    return message.key ?? Buffer.alloc(0)
  },
  get value() {
    return message.value ?? Buffer.alloc(0)
  },
  get headers() {
    return Object.fromEntries(
      Object.entries(message.headers ?? {}).flatMap(([name, given]) =>
        given === undefined ? [] : [[name, Buffer.from([given].flat()[0] ?? '')]],
      ),
    )
  },
})

/** How long a partition that had no leader may go unread once it has one. */
const LEADERS_MS = 10_000

/** How long a broker may take to create a topic. */
const TOPIC_MS = 15_000

/**
 * How long the partitions of a topic that is there may be without leaders, as those of a new one are for a moment, until a
 * publisher goes on with the others.
 */
const LEADERLESS_MS = 2_000

/** A broker creates a missing topic when it is asked for it, and until then answers that there is none. */
const onceTopicIsMade = async <T>(kafka: Kafka, topic: string, ask: () => Promise<T>): Promise<T> => {
  try {
    return await ask()
  } catch (error) {
    if (!isMissingTopic(error)) throw error
    await partitionsAnswer(kafka, topic)
    return ask()
  }
}

/** Waits until each partition has a leader that knows it. @throws the last error, if that takes too long */
const partitionsAnswer = async (kafka: Kafka, topic: string, leaderlessMs = TOPIC_MS): Promise<void> => {
  const beganMs = performance.now()
  const admin = kafka.admin()
  await admin.connect()
  try {
    for (;;) {
      try {
        await admin.fetchTopicOffsets(topic)
        return
      } catch (error) {
        const atMostMs = isWithoutLeader(error) ? leaderlessMs : TOPIC_MS
        if (!(protocolErrorOf(error) || isWithoutLeader(error)) || performance.now() - beganMs > atMostMs) throw error
        await sleep(250)
      }
    }
  } finally {
    await admin.disconnect()
  }
}

const countPartitions = async (kafka: Kafka, topic: string): Promise<number> => {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.length ?? 0
  } finally {
    await admin.disconnect()
  }
}

/** The first limits what a partition gets in one request (message.max.bytes), the second a segment of its log. */
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

const isTooLarge = (error: unknown): boolean => TOO_LARGE.includes(protocolErrorOf(error)?.type ?? '')

const isMissingTopic = (error: unknown): boolean => protocolErrorOf(error)?.type === 'UNKNOWN_TOPIC_OR_PARTITION'

/** A partition without a leader is reported to have one that isn't among the brokers. */
const isWithoutLeader = (error: unknown): boolean => error instanceof kafkajs.KafkaJSBrokerNotFound

/**
 * The broker's error; undefined if no broker answered. The error classes come from the default export: kafkajs exports them by a
 * spread, for which Node finds no named exports.
 */
const protocolErrorOf = (error: unknown): KafkaJSProtocolError | undefined => {
  const cause = error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded ? error.cause : error
  return cause instanceof kafkajs.KafkaJSProtocolError ? cause : undefined
}

const createClient = ({ brokers, log }: KafkaOptions): Kafka =>
  new Kafka({
    clientId: 'stint',
    brokers,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => log.debug({ kafka: entry.log }, entry.log.message),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries: 2, initialRetryTime: 100 },
  })
