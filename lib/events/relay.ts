import * as events from '../../db/queries/events.ts'
import type { App } from '../app.ts'
import { holds } from '../schedule/runner.ts'
import { toMessage } from './cloud-event.ts'

/** Events per request to Kafka and per statement. */
const BATCH = 1_000

/** How many kept events a broker that lost its log gets again. */
const REPUBLISHED = 10_000

/**
 * Publishes every event that Kafka hasn't got, oldest first, and marks it. One request is under way at a time, so
 * that a job's events keep their order. An event may be published twice (when marking fails), never not at all.
 */
export const relay = async (app: App): Promise<void> => {
  for (;;) {
    if (!(await holds(app, 'relay'))) return
    const batch = await events.listUnpublished(app.sql, BATCH)
    if (batch.length === 0) return
    await app.publisher.publish(app.config.kafka.topic, batch.map(toMessage))
    await events.markPublished(
      app.sql,
      batch.map((event) => event.id),
    )
  }
}

/** For a broker that started with an empty log: the newest kept events are published again. */
export const republish = async (app: App): Promise<void> => {
  const count = await events.markUnpublished(app.sql, REPUBLISHED)
  app.log.info({ count }, 'events will be published again')
}
