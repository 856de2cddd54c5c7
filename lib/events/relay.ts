import { transaction } from '../../db/client.ts'
import * as outbox from '../../db/queries/outbox.ts'
import type { App } from '../app.ts'
import { isRecent } from '../core/clock.ts'
import { inParts } from '../core/in-parts.ts'
import { each } from '../schedule/every.ts'
import { acquireLease } from '../schedule/runner.ts'
import { recordEvents, traceparentOfEvent } from '../tracing/job-spans.ts'
import { toMessage } from './cloud-event.ts'
import { listOthers } from './list-others.ts'
import { type Message, PartlyPublishedError, TooLargeError } from './publisher.ts'

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

/** How long it publishes before it notes its progress, so that a relay that is killed again and again still gets on. */
const NOTED_EACH_MS = 1_000

/** Kept back from the function's time: one request and its note take no longer, as long as the broker answers. */
const MARGIN_MS = 5_000

/**
 * Publishes every event that Kafka doesn't have yet, oldest first, and removes it from the outbox. One request is under way
 * at a time, so that a job's events keep their order. An event may be published twice (if removing it fails), but is never
 * left out. If a partition refuses its events, they are tried again first in the next pass, and the others' go on.
 */
export const relay = async (app: App, remainingMs: () => number = () => Number.POSITIVE_INFINITY): Promise<void> => {
  const mayGoOn = async () => remainingMs() > MARGIN_MS && (await acquireLease(app, 'relay'))
  await goingAround(app, [], mayGoOn)
}

type MayGoOn = () => Promise<boolean>
type Refuses = PartlyPublishedError['refuses']

/**
 * Publishes the events of all partitions except those that have refused theirs. When another one refuses, it goes on without
 * that one too.
 * @throws the partitions' errors
 */
const goingAround = async (app: App, refusals: Refuses[], mayGoOn: MayGoOn): Promise<void> => {
  try {
    await (refusals.length === 0 ? publishOldest(app, mayGoOn) : publishOthers(app, refusals, mayGoOn))
  } catch (error) {
    if (!(error instanceof PartlyPublishedError)) throw error
    await each([() => goingAround(app, [...refusals, error.refuses], mayGoOn), () => Promise.reject(error)])
  }
}

const publishOldest = async (app: App, mayGoOn: MayGoOn): Promise<void> => {
  while (await mayGoOn()) {
    const events = await outbox.list(app.sql, BATCH)
    if (events.length === 0) return
    if (!(await publishAll(app, events, mayGoOn))) return
    await outbox.remove(app.sql, [...new Set(events.map((it) => it.outboxId))])
    // That was all. Whoever has committed more since then says so, or the next pass finds it.
    if (events.length < BATCH) return
  }
}

const publishOthers = async (app: App, refusals: Refuses[], mayGoOn: MayGoOn): Promise<void> => {
  if (!(await mayGoOn())) return
  const others = await listOthers(app, (jobId) => refusals.some((refuses) => refuses(jobId)))
  for (let from = 0; from < others.length && (await mayGoOn()); from += BATCH) {
    const noted = others.slice(from, from + BATCH)
    if (!(await publishAll(app, await outbox.read(app.sql, noted), mayGoOn))) return
    await outbox.removeEvents(app.sql, noted)
  }
}

/**
 * Publishes events, whose rows the caller then removes. If that takes long or fails, the events published so far are removed
 * from those rows, so that the next pass goes on from there.
 * @returns false when it had to stop before the end
 */
const publishAll = async (
  app: App,
  events: (outbox.OutboxEvent | outbox.GoneEvent)[],
  mayGoOn: MayGoOn,
): Promise<boolean> => {
  let published: outbox.OutboxEvent[] = []
  let notedAt = app.clock.now()
  const note = async (): Promise<void> => {
    if (published.length > 0) await outbox.removeEvents(app.sql, published)
    published = []
    notedAt = app.clock.now()
  }
  const took = (batch: Encoded[]): void => {
    const some = batch.map((it) => it.event)
    published.push(...some)
    recordEvents(app.traces, some, app.clock.now())
  }
  try {
    for (const batch of cut(app, events)) {
      if (!isRecent(app.clock, notedAt, NOTED_EACH_MS)) {
        await note()
        if (!(await mayGoOn())) return false
      }
      await publish(app, batch, took)
    }
  } catch (error) {
    await note().catch((err) => app.log.warn({ err }, 'what was published could not be noted, and comes again'))
    throw error
  }
  return true
}

interface Encoded {
  event: outbox.OutboxEvent
  message: Message
}

/** As few requests as the events fit into. One row may have the events of a batch of thousands of jobs, too many for one. */
const cut = (app: App, events: (outbox.OutboxEvent | outbox.GoneEvent)[]): Iterable<Encoded[]> =>
  inParts(encoded(app, events), { most: BATCH, maxSize: BATCH_BYTES, sizeOf: ({ message }) => sizeOf(message) })

/** Encodes each event when it is its turn: all events of one row may be large together. */
function* encoded(app: App, events: (outbox.OutboxEvent | outbox.GoneEvent)[]): Generator<Encoded> {
  for (const event of events) {
    if (event.id !== null) yield { event, message: toMessage(event, traceparentOfEvent(app.traces, event)) }
  }
}

/** Keys and headers are ASCII. */
const sizeOf = ({ key, value, headers }: Message): number =>
  Object.entries(headers).reduce((sum, [name, it]) => sum + name.length + it.length, key.length + value.length) +
  FRAME_BYTES

/** Publishes a batch, and reports by `took` which of it the broker took: none, some or all. */
const publish = async (app: App, batch: Encoded[], took: (some: Encoded[]) => void): Promise<void> => {
  const messages = batch.map((it) => it.message)
  try {
    await app.publisher.publish(app.config.kafka.topic, messages)
  } catch (error) {
    const isPartly = error instanceof PartlyPublishedError
    const taken = isPartly ? error.taken : new Set<Message>()
    took(batch.filter((it) => taken.has(it.message)))
    const cause = isPartly ? error.cause : error
    if (!(cause instanceof TooLargeError)) throw error
    const rest = batch.filter((it) => !taken.has(it.message))
    return publishSmaller(app, rest, took, cause)
  }
  took(batch)
}

/**
 * Publishes in halves what the broker finds too large. A single event that is too large is skipped, or all events after it
 * would wait for ever.
 */
const publishSmaller = async (
  app: App,
  batch: Encoded[],
  took: (some: Encoded[]) => void,
  err: TooLargeError,
): Promise<void> => {
  const [first] = batch
  if (first && batch.length === 1) {
    const event = { event: first.message.headers['ce_id'], bytes: first.message.value.length }
    app.log.error({ err, ...event }, 'the broker finds an event too large; Kafka is not told of it')
    return took(batch)
  }
  const half = Math.ceil(batch.length / 2)
  await publish(app, batch.slice(0, half), took)
  await publish(app, batch.slice(half), took)
}

/** For a broker that started with an empty log: the newest kept events are published again. */
export const republish = async (app: App): Promise<void> => {
  const count = await transaction(app.sql, async (tx) => {
    await outbox.lock(tx)
    return outbox.refill(tx, REPUBLISHED)
  })
  app.log.info({ count }, 'events will be published again')
}
