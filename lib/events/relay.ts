import * as outbox from '../../db/queries/outbox.ts'
import type { App } from '../app.ts'
import { holds } from '../schedule/runner.ts'
import { recordEvents, traceparentOfEvent } from '../tracing/job-spans.ts'
import { toMessage } from './cloud-event.ts'

/** Events per request to Kafka. */
const BATCH = 1_000

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
    const events = await outbox.list(app.sql, BATCH)
    if (events.length === 0) return
    // What a batch of thousands of jobs told is one row, and more than a request to Kafka should have.
    for (let from = 0; from < events.length; from += BATCH) {
      const batch = events.slice(from, from + BATCH)
      const messages = batch.map((event) => toMessage(event, traceparentOfEvent(app.traces, event)))
      await app.publisher.publish(app.config.kafka.topic, messages)
      recordEvents(app.traces, batch, Date.now())
    }
    await outbox.remove(app.sql, [...new Set(events.map((event) => event.outboxId))])
    // That was all. Whoever has committed more since then says so, or the next pass finds it.
    if (events.length < BATCH) return
  }
}

/** For a broker that started with an empty log: the newest kept events are published again. */
export const republish = async (app: App): Promise<void> => {
  const count = await outbox.refill(app.sql, REPUBLISHED)
  app.log.info({ count }, 'events will be published again')
}
