import { transaction } from '../../db/client.ts'
import * as outbox from '../../db/queries/outbox.ts'
import type { App } from '../app.ts'
import { holds } from '../schedule/runner.ts'
import { recordEvents, traceparentOfEvent } from '../tracing/job-spans.ts'
import { toMessage } from './cloud-event.ts'
import { type Message, TooLargeError } from './publisher.ts'

/** Events per request to Kafka. */
const BATCH = 1_000

/**
 * Bytes per request to Kafka. A broker takes 1 048 588 of each partition unless it is told otherwise (message.max.bytes),
 * and all may be for one. A thousand ordinary events are 650 000.
 */
const BATCH_BYTES = 900_000

/** What a message takes beside its key, its value and its headers, at most. */
const FRAME_BYTES = 50

/** How many kept events a broker that lost its log gets again. */
const REPUBLISHED = 10_000

/**
 * Publishes every event that Kafka hasn't got, oldest first, and takes it out of the outbox. One request is under way
 * at a time, so that a job's events keep their order. An event may be published twice (when taking it out fails), never
 * not at all.
 */
export const relay = async (app: App): Promise<void> => {
  for (;;) {
    if (!(await holds(app, 'relay'))) return
    const noted = await outbox.list(app.sql, BATCH)
    if (noted.length === 0) return
    const events = noted.filter((it) => it.id !== null)
    for (const batch of cut(app, events)) {
      await publish(app, batch)
      recordEvents(
        app.traces,
        batch.map((it) => it.event),
        Date.now(),
      )
    }
    await outbox.remove(app.sql, [...new Set(noted.map((it) => it.outboxId))])
    // That was all. Whoever has committed more since then says so, or the next pass finds it.
    if (noted.length < BATCH) return
  }
}

interface Encoded {
  event: outbox.OutboxEvent
  message: Message
}

/** As few requests as the events fit into. What a batch of thousands of jobs told is one row, and more than one should have. */
function* cut(app: App, events: outbox.OutboxEvent[]): Generator<Encoded[]> {
  let batch: Encoded[] = []
  let bytes = 0
  for (const event of events) {
    const message = toMessage(event, traceparentOfEvent(app.traces, event))
    const size = sizeOf(message)
    if (batch.length === BATCH || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push({ event, message })
    bytes += size
  }
  if (batch.length > 0) yield batch
}

/** Keys and headers are ASCII. */
const sizeOf = ({ key, value, headers }: Message): number =>
  Object.entries(headers).reduce((sum, [name, it]) => sum + name.length + it.length, key.length + value.length) +
  FRAME_BYTES

/**
 * Publishes in halves what the broker finds too large. An event that is so by itself is passed over: all that come after
 * it would wait for ever.
 */
const publish = async (app: App, batch: Encoded[]): Promise<void> => {
  const messages = batch.map((it) => it.message)
  try {
    await app.publisher.publish(app.config.kafka.topic, messages)
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error
    const [first] = messages
    if (messages.length === 1) {
      const event = { event: first?.headers['ce_id'], bytes: first?.value.length }
      app.log.error({ err: error, ...event }, 'the broker finds an event too large; Kafka is not told of it')
      return
    }
    const half = Math.ceil(batch.length / 2)
    await publish(app, batch.slice(0, half))
    await publish(app, batch.slice(half))
  }
}

/** For a broker that started with an empty log: the newest kept events are published again. */
export const republish = async (app: App): Promise<void> => {
  const count = await transaction(app.sql, async (tx) => {
    await outbox.lock(tx)
    return outbox.refill(tx, REPUBLISHED)
  })
  app.log.info({ count }, 'events will be published again')
}
