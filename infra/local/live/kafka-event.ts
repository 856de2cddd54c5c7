import type { MSKRecord, SelfManagedKafkaEvent } from 'aws-lambda'
import type { TopicRecord } from '../../../lib/events/kafka.ts'

/**
 * The event that Lambda makes of records of one partition (AWS: "Using Lambda with self-managed Apache Kafka"). The records are
 * only decoded when they are asked for, which doesn't happen while nobody listens.
 */
export const toKafkaEvent = (topic: string, brokers: string, read: () => TopicRecord[]): SelfManagedKafkaEvent => ({
  eventSource: 'SelfManagedKafka',
  bootstrapServers: brokers,
  get records() {
    const records = read()
    return { [`${topic}-${records[0]?.partition ?? 0}`]: records.map((it) => toMskRecord(topic, it)) }
  },
})

const toMskRecord = (topic: string, record: TopicRecord): MSKRecord => ({
  topic,
  partition: record.partition,
  get offset() {
    return record.offset
  },
  get timestamp() {
    return record.timestamp
  },
  timestampType: 'CREATE_TIME',
  get key() {
    return record.key.toString('base64')
  },
  get value() {
    return record.value.toString('base64')
  },
  get headers() {
    return Object.entries(record.headers).map(([name, value]) => ({ [name]: value.toJSON().data }))
  },
})
