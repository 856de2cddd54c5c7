import type { SelfManagedKafkaEvent } from 'aws-lambda'
import type { TopicRecord } from '../../../lib/events/kafka.ts'

/**
 * The event that Lambda makes of records of one partition (AWS: "Using Lambda with self-managed Apache Kafka"). What a
 * record holds is made when it is read: where nobody listens, nobody does.
 */
export const toKafkaEvent = (topic: string, brokers: string, records: TopicRecord[]): SelfManagedKafkaEvent => ({
  eventSource: 'SelfManagedKafka',
  bootstrapServers: brokers,
  records: {
    [`${topic}-${records[0]?.partition ?? 0}`]: records.map((it) => ({
      topic,
      partition: it.partition,
      offset: it.offset,
      timestamp: it.timestamp,
      timestampType: 'CREATE_TIME',
      get key() {
        return it.key.toString('base64')
      },
      get value() {
        return it.value.toString('base64')
      },
      get headers() {
        return Object.entries(it.headers).map(([name, value]) => ({ [name]: value.toJSON().data }))
      },
    })),
  },
})
