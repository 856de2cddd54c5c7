import { createRequire } from 'node:module'
import { expect, onTestFinished } from 'vitest'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { startKafkaProxy } from '../../tests/support/kafka-proxy.ts'
import { test, type World } from '../../tests/support/world.ts'
import { newId } from '../core/ids.ts'
import { releaseLeases } from '../schedule/runner.ts'
import { noTraces, type TraceSpan } from '../tracing/traces.ts'
import { fromMessage } from './cloud-event.ts'
import { createKafkaPublisher } from './kafka.ts'
import { partitionOf } from './partitioner.ts'
import { type Message, PartlyPublishedError, type Publisher, TooLargeError } from './publisher.ts'
import { relay, republish } from './relay.ts'

const recording = (fail: (batch: Message[]) => 'before' | 'after' | 'large' | undefined = () => undefined) => {
  const got: Message[] = []
  const batches: Message[][] = []
  const publisher: Publisher = {
    publish: async (_topic, messages) => {
      const when = fail(messages)
      if (when === 'before') throw new Error('no broker')
      if (when === 'large') throw new TooLargeError('too large')
      batches.push(messages)
      got.push(...messages)
      if (when === 'after') throw new Error('no answer')
    },
    ready: async () => {},
    close: async () => {},
  }
  return { publisher, got, batches }
}
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const require = createRequire(import.meta.url)
const produce = require('kafkajs/src/protocol/requests/produce/v3/request')

/** Bytes of what a broker is sent, if all of it is for one partition. */
const wireSize = async (messages: Message[]): Promise<number> => {
  const partitions = [{ partition: 0, messages }]
  const request = await produce({ acks: -1, timeout: 0, topicData: [{ topic: 'topic', partitions }] }).encode()
  return request.size()
}

const seqs = (messages: Message[], jobId: string) =>
  messages.filter((it) => it.key === jobId).map((it) => fromMessage(it.value).seq)

test('every event is published once, in order per job, with its CloudEvents attributes', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  const [id = ''] = await insertJobs(app, [{ name: 'named' }])
  await invoke(createEngine(app))
  await relay(app)
  await relay(app)
  expect(seqs(got, id)).toEqual([1, 2, 3])
  const [first] = got
  expect(first?.headers).toMatchObject({
    ce_type: 'job.queued',
    ce_id: `${id}:1`,
    'content-type': 'application/cloudevents+msgpack',
  })
  expect(fromMessage(first?.value as Buffer)).toMatchObject({
    specversion: '1.0',
    id: `${id}:1`,
    type: 'job.queued',
    subject: id,
    seq: 1,
    data: { kind: 'test.echo', name: 'named' },
  })
})

test('the span of a message ends when the app’s clock says', async ({ world }) => {
  const spans: TraceSpan[] = []
  const traces = { ...noTraces, enabled: true, record: (span: TraceSpan) => void spans.push(span) }
  const now = Date.now() + 60_000
  await insertJobs(world.app, [{ traceparent }])
  await relay({ ...world.app, publisher: recording().publisher, traces, clock: { now: () => now } })
  expect(spans.map(({ name, endMs }) => [name, endMs])).toEqual([['publish job.queued', now]])
})

test('with Kafka down events wait, and a lost answer repeats them but never drops one', async ({ world }) => {
  let failures = 2
  const { publisher, got } = recording(() => (failures-- > 1 ? 'before' : failures >= 0 ? 'after' : undefined))
  const app = { ...world.app, publisher }
  const [id = ''] = await insertJobs(app, [{}])
  await expect(relay(app)).rejects.toThrow('no broker')
  await expect(relay(app)).rejects.toThrow('no answer')
  await relay(app)
  expect(seqs(got, id)).toEqual([1, 1])
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

test('a relay that doesn’t hold the lease publishes nothing', async ({ world }) => {
  const { publisher, got } = recording()
  await world.sql`INSERT INTO runners VALUES ('relay', 'another', now() + interval '1 minute')`
  await insertJobs(world.app, [{}])
  await relay({ ...world.app, publisher })
  expect(got).toEqual([])
})

test('an event committed late with an early id is not passed over', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  const late = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  const slow = world.sql.begin(async (tx) => {
    await tx`INSERT INTO events (job_id, project_id, seq, type) VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'job.queued')`
    written.resolve()
    await late.promise
  })
  await written.promise
  const [id = ''] = await insertJobs(app, [{}])
  await relay(app)
  expect(got.map((it) => it.key)).toEqual([id])
  late.resolve()
  await slow
  await relay(app)
  expect(got).toHaveLength(2)
})

test('thousands of events go in batches, and a broker that lost its log gets them again', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  await insertJobs(
    app,
    Array.from({ length: 2_500 }, () => ({})),
  )
  await relay(app)
  expect(got).toHaveLength(2_500)
  const [waiting = ''] = await insertJobs(app, [{}])
  await republish(app)
  await relay(app)
  expect(got).toHaveLength(5_001)
  expect(got.at(-1)?.key).toBe(waiting)
})

test('of very many events, a broker that lost its log gets the newest ten thousand again', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  await world.sql`
    INSERT INTO events (job_id, project_id, seq, type)
    SELECT gen_random_uuid(), gen_random_uuid(), 1, 'job.queued' FROM generate_series(1, 10001)`
  await relay(app)
  await republish(app)
  await relay(app)
  const keys = got.map(({ key }) => key)
  expect(keys.slice(10_001)).toEqual(keys.slice(1, 10_001))
})

test('a broker that lost its log gets a job’s events in order, those too that are written at that moment', async ({
  world,
}) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  const [id = ''] = await insertJobs(app, [{}])
  const again = await world.sql.begin(async (tx) => {
    await tx`INSERT INTO events (job_id, project_id, seq, type) VALUES (${id}, gen_random_uuid(), 2, 'job.started')`
    let done = false
    const republishing = republish(app).then(() => {
      done = true
    })
    const waits = async () =>
      (await world.sql`SELECT FROM pg_locks WHERE relation = 'outbox'::regclass AND NOT granted`).length > 0
    await expect.poll(async () => done || (await waits())).toBe(true)
    // Not as a promise: the transaction would wait for it.
    return { republishing }
  })
  await again.republishing
  await relay(app)
  expect(seqs(got, id)).toEqual([1, 2])
})

test('rows of the outbox whose events are gone hold up no other, and go', async ({ world }) => {
  const { publisher, got } = recording()
  await world.sql`
    INSERT INTO outbox (events, job_ids, seqs) SELECT 1000, array_agg(gen_random_uuid()), array_agg(1) FROM generate_series(1, 1000)`
  const [id] = await insertJobs(world.app, [{}])
  await relay({ ...world.app, publisher })
  expect(got.map((it) => it.key)).toEqual([id])
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

/** Events of one job, which all go to one partition. */
const addFailures = ({ sql }: World, count: number, message: string) => sql`
  INSERT INTO events (job_id, project_id, seq, type, data)
  SELECT (SELECT gen_random_uuid()), gen_random_uuid(), n, 'job.failed',
         jsonb_build_object('error', jsonb_build_object('code', 'ERROR', 'message', ${message}::text))
  FROM generate_series(1, ${count}) AS n`

test('large events go in more requests, each as large as a broker takes them; ordinary ones go a thousand at a time', async ({
  world,
}) => {
  const { publisher, batches } = recording()
  const app = { ...world.app, publisher }
  await insertJobs(
    app,
    Array.from({ length: 2_000 }, () => ({ name: 'Sales of November', tags: ['sales', 'monthly'], traceparent })),
  )
  await relay(app)
  expect(batches.map((it) => it.length)).toEqual([1_000, 1_000])
  await addFailures(world, 1_000, '没'.repeat(2_000))
  await relay(app)
  const large = batches.slice(2)
  expect(large.flat()).toHaveLength(1_000)
  const sizes = await Promise.all(batches.map(wireSize))
  expect(Math.max(...sizes)).toBeLessThan(1_000_000)
  expect(Math.min(...sizes.slice(2, -1))).toBeGreaterThan(850_000)
})

test('a broker gets more than it takes at once', async ({ world }) => {
  await addFailures(world, 1_000, 'x'.repeat(2_000))
  await world.relay()
  expect(await world.events()).toHaveLength(1_000)
})

test('what a broker finds too large goes in halves, in order, and an event too large by itself stops no other', async ({
  world,
}) => {
  const hopeless = 'x'.repeat(1_500)
  const { publisher, got, batches } = recording((messages) =>
    messages.reduce((sum, it) => sum + it.value.length, 0) > 1_400 ? 'large' : undefined,
  )
  const app = { ...world.app, publisher }
  await insertJobs(app, [{}, {}])
  await addFailures(world, 1, hopeless)
  await insertJobs(app, [{}, {}, {}, {}, {}])
  const told = await world.sql`SELECT job_id, type FROM events ORDER BY id`
  await relay(app)
  expect(got.map((it) => it.key)).toEqual(told.filter((it) => it['type'] !== 'job.failed').map((it) => it['jobId']))
  expect(batches.length).toBeLessThan(got.length)
  const large = told.find((it) => it['type'] === 'job.failed')
  const errors = world.logged.map((line) => JSON.parse(line)).filter((it) => it.level >= 50)
  expect(errors).toMatchObject([{ event: `${large?.['jobId']}:1` }])
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

/** What a batch of this many jobs told, in one row. */
const addLargeRow = async (app: World['app'], count: number): Promise<string[]> => {
  const ids = await insertJobs(
    app,
    Array.from({ length: count }, () => ({})),
  )
  expect(await app.sql`SELECT events FROM outbox`).toEqual([{ events: count }])
  return ids
}

test('of a large row nothing is published again when a request fails in its middle', async ({ world }) => {
  let requests = 0
  const { publisher, got } = recording(() => (++requests === 3 ? 'before' : undefined))
  const app = { ...world.app, publisher }
  const ids = await addLargeRow(app, 2_500)
  await expect(relay(app)).rejects.toThrow('no broker')
  expect(await world.sql`SELECT events FROM outbox`).toEqual([{ events: 500 }])
  await relay(app)
  expect(got.map((it) => it.key)).toEqual(ids)
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

test('a relay that is killed in a large row that takes long is followed by one that goes on from there', async ({
  world,
}) => {
  const { publisher, got } = recording()
  const killed = Promise.withResolvers<void>()
  const slow: Publisher = {
    ...publisher,
    publish: async (topic, messages) => {
      if (got.length === 2_000) {
        killed.resolve()
        return new Promise(() => {})
      }
      await publisher.publish(topic, messages)
      world.advance(2)
    },
  }
  const ids = await addLargeRow(world.app, 2_500)
  void relay({ ...world.app, publisher: slow })
  await killed.promise
  await releaseLeases(world.app)
  await world.sql`UPDATE runners SET lease_until = now()`
  await relay(await world.anotherApp({ publisher }))
  expect(got.map((it) => it.key)).toEqual(ids)
})

test('a relay ends before its function’s time does, and goes on in the next one', async ({ world }) => {
  const { publisher, got } = recording()
  let remainingMs = 9_000
  const slow: Publisher = {
    ...publisher,
    publish: async (topic, messages) => {
      await publisher.publish(topic, messages)
      world.advance(2)
      remainingMs -= 2_000
    },
  }
  const app = { ...world.app, publisher: slow }
  const ids = await addLargeRow(app, 3_500)
  await relay(app, () => remainingMs)
  expect({ published: got.length, remainingMs }).toEqual({ published: 2_000, remainingMs: 5_000 })
  remainingMs = 9_000
  await relay(app, () => remainingMs)
  expect(got.map((it) => it.key)).toEqual(ids)
})

test('a relay that lost its lease in a large row leaves the rest to who has it', async ({ world }) => {
  const { publisher, got } = recording()
  const slow: Publisher = {
    ...publisher,
    publish: async (topic, messages) => {
      await publisher.publish(topic, messages)
      world.advance(20)
      await world.sql`UPDATE runners SET holder = 'another', lease_until = now() + interval '1 minute'`
    },
  }
  await addLargeRow(world.app, 2_500)
  await relay({ ...world.app, publisher: slow })
  expect(got).toHaveLength(1_000)
  expect(await world.sql`SELECT events FROM outbox`).toEqual([{ events: 1_500 }])
})

test('while a partition takes nothing the others get each event once, and it gets its own in order later', async ({
  world,
}) => {
  const ids = await insertJobs(world.app, [{}, {}, {}, {}])
  const [away] = ids
  const { publisher, got } = recording()
  let isAway = true
  const partly: Publisher = {
    ...publisher,
    publish: async (topic, messages) => {
      const taken = messages.filter((it) => !isAway || it.key !== away)
      if (taken.length > 0) await publisher.publish(topic, taken)
      if (taken.length === messages.length) return
      const cause = new Error('not enough replicas')
      throw taken.length > 0 ? new PartlyPublishedError(new Set(taken), (key) => key === away, { cause }) : cause
    },
  }
  const app = { ...world.app, publisher: partly }
  await expect(relay(app)).rejects.toThrow(PartlyPublishedError)
  await expect(relay(app)).rejects.toThrow('not enough replicas')
  await invoke(createEngine(app))
  await expect(relay(app)).rejects.toThrow(PartlyPublishedError)
  isAway = false
  await relay(app)
  for (const id of ids) expect(seqs(got, id)).toEqual([1, 2, 3])
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

/** Jobs whose events go to one partition of the embedded broker's four, or to the three others. */
const idsIn = (count: number, isIn: (partition: number) => boolean): string[] => {
  const ids: string[] = []
  while (ids.length < count) {
    const id = newId()
    if (isIn(partitionOf(id, 4))) ids.push(id)
  }
  return ids
}

/** A relay whose broker has partitions that take nothing, and what others of its partitions have got. */
const relayThroughProxy = async (world: World) => {
  const [broker = ''] = world.app.config.kafka.brokers
  const proxy = await startKafkaProxy(broker)
  onTestFinished(() => proxy.close())
  const publisher = createKafkaPublisher({ brokers: [proxy.address], log: world.app.log })
  onTestFinished(() => publisher.close())
  const app = { ...world.app, publisher }
  await publisher.publish(app.config.kafka.topic, [])
  const took = async (jobIds: string[]): Promise<string[]> => {
    const asked = new Set(jobIds)
    const events = await world.events()
    return events.filter((it) => asked.has(it.subject)).map((it) => it.id)
  }
  return { app, proxy, failing: proxy.failing, took }
}

const eventsOf = (jobIds: string[], ...seqs: number[]) => jobIds.flatMap((id) => seqs.map((seq) => `${id}:${seq}`))

test('partitions go on while another takes nothing, however many of its events are the oldest', async ({ world }) => {
  const { app, failing, took } = await relayThroughProxy(world)
  const held = idsIn(1_100, (partition) => partition === 2)
  const others = idsIn(30, (partition) => partition !== 2)
  failing.add(2)
  await insertJobs(
    app,
    held.map((id) => ({ id })),
  )
  // So far nobody knows for which of them the request fails.
  await expect(relay(app)).rejects.toThrow()
  await insertJobs(
    app,
    others.map((id) => ({ id, priority: 1 })),
  )
  await expect(relay(app)).rejects.toThrow(PartlyPublishedError)
  expect((await took(others)).sort()).toEqual(eventsOf(others, 1).sort())
  await invoke(createEngine(app), { budget: 30 })
  await expect(relay(app)).rejects.toThrow(PartlyPublishedError)
  // Each once, and a job's in their order.
  const went = await took(others)
  expect(went).toHaveLength(90)
  for (const id of others) expect(went.filter((it) => it.startsWith(id))).toEqual(eventsOf([id], 1, 2, 3))
  expect(await world.sql`SELECT sum(events)::integer AS events FROM outbox`).toEqual([{ events: 1_100 }])
  await world.sql`
    INSERT INTO events (job_id, project_id, seq, type)
    SELECT id, gen_random_uuid(), 2, 'job.started' FROM unnest(${held}::uuid[]) AS held (id)`
  failing.clear()
  await relay(app)
  expect(await took(held)).toEqual([...eventsOf(held, 1), ...eventsOf(held, 2)])
  expect(await took(others)).toHaveLength(90)
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

test('two partitions that take nothing hold up no third one', async ({ world }) => {
  const { app, failing, took } = await relayThroughProxy(world)
  const [first = [], second = [], third = []] = [1_100, 600, 600].map((count, nth) => idsIn(count, (it) => it === nth))
  failing.add(0).add(1)
  for (const ids of [first, second, third])
    await insertJobs(
      app,
      ids.map((id) => ({ id })),
    )
  await expect(relay(app)).rejects.toThrow()
  await expect(relay(app)).rejects.toThrow()
  expect(await took(third)).toEqual(eventsOf(third, 1))
  failing.delete(0)
  await expect(relay(app)).rejects.toThrow()
  expect(await took(first)).toEqual(eventsOf(first, 1))
  failing.clear()
  await relay(app)
  expect(await took(second)).toEqual(eventsOf(second, 1))
  expect(await took(third)).toHaveLength(600)
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

test('a partition without a leader holds up no other, in a relay that was there before and in one that comes', async ({
  world,
}) => {
  const { app, proxy, took } = await relayThroughProxy(world)
  const held = idsIn(30, (it) => it === 2)
  const others = idsIn(60, (it) => it !== 2)
  const insert = (ids: string[]) =>
    insertJobs(
      app,
      ids.map((id) => ({ id })),
    )
  for (const away of [proxy.failing, proxy.leaderless]) away.add(2)
  await insert(held)
  await expect(relay(app)).rejects.toThrow()
  await insert(others.slice(0, 30))
  await expect(relay(app)).rejects.toThrow(PartlyPublishedError)
  expect((await took(others)).sort()).toEqual(eventsOf(others.slice(0, 30), 1).sort())
  const publisher = createKafkaPublisher({ brokers: [proxy.address], log: app.log })
  onTestFinished(() => publisher.close())
  await insert(others.slice(30))
  await expect(relay({ ...app, publisher })).rejects.toThrow(PartlyPublishedError)
  expect((await took(others)).sort()).toEqual(eventsOf(others, 1).sort())
  for (const away of [proxy.failing, proxy.leaderless]) away.clear()
  await relay({ ...app, publisher })
  expect(await took(held)).toEqual(eventsOf(held, 1))
  expect(await took(others)).toHaveLength(60)
})
