import type { MSKRecord, SelfManagedKafkaEvent } from 'aws-lambda'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { type CloudEvent, fromMessage } from './cloud-event.ts'

export type StreamHandler = (event: SelfManagedKafkaEvent, context: InvocationContext) => Promise<void>

export interface StreamRequest {
  app: App
  /** Decodes the events, those of a partition in order. This is most of the work, and not always needed. */
  read: () => CloudEvent[]
}

/**
 * Wraps a Kafka-triggered function. It never throws: Lambda would deliver the same records again and again, and block their
 * partition. A record that can't be read is logged and skipped, and so are events for which `run` fails. So `run` must not be
 * the only way by which its consumers learn of something.
 */
export const stream = (run: (request: StreamRequest) => Promise<void>): StreamHandler => {
  return async (event, context) => {
    const app = context.app ?? (await appOfProcess())
    const records = () => Object.values(event.records).flat()
    const read = () => records().flatMap((record) => readRecord(app, record) ?? [])
    try {
      await run({ app, read })
    } catch (error) {
      app.log.error({ err: error, events: records().length }, 'events were passed over')
    }
    // Lambda freezes the process after it; where the app was given, the process goes on.
    if (!context.app) await app.metrics.flush()
  }
}

const readRecord = (app: App, record: MSKRecord): CloudEvent | undefined => {
  try {
    const event = fromMessage(Buffer.from(record.value, 'base64'))
    if (typeof event?.subject === 'string' && typeof event.seq === 'number') return event
    app.log.error(addressOf(record), 'a record that is no event was passed over')
  } catch (error) {
    app.log.error({ err: error, ...addressOf(record) }, 'a record that cannot be read was passed over')
  }
  return undefined
}

const addressOf = ({ topic, partition, offset }: MSKRecord) => ({ topic, partition, offset })
