import { Kafka, logLevel, type Producer } from 'kafkajs'
import type { Logger } from '../core/log.ts'
import type { Publisher } from './publisher.ts'

export interface KafkaOptions {
  /** `host:port` of the brokers to ask first; a function is asked again at each connection. */
  brokers: string[] | (() => Promise<string[]>)
  log: Logger
}

/** Publishes with acks=all, one request in flight, so that a partition keeps the order it was given. */
export const createKafkaPublisher = ({ brokers, log }: KafkaOptions): Publisher => {
  const kafka = new Kafka({
    clientId: 'stint',
    brokers,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => log.debug({ kafka: entry.log }, entry.log.message),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries: 2, initialRetryTime: 100 },
  })
  let producer: Promise<Producer> | undefined

  const connect = (): Promise<Producer> => {
    producer ??= (async () => {
      const made = kafka.producer({ maxInFlightRequests: 1, allowAutoTopicCreation: true })
      await made.connect()
      return made
    })().catch((error) => {
      producer = undefined
      throw error
    })
    return producer
  }

  const drop = async (): Promise<void> => {
    const made = producer
    producer = undefined
    await made
      ?.then((it) => it.disconnect())
      .catch((error) => log.debug({ err: error }, 'kafka producer did not disconnect'))
  }

  return {
    publish: async (topic, messages) => {
      const it = await connect()
      try {
        await it.send({ topic, acks: -1, messages })
      } catch (error) {
        // The broker may have come back under another address: the next try asks for it anew.
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
