import { Kafka, logLevel } from 'kafkajs'
import { expect, onTestFinished, vi } from 'vitest'
import { givenStack } from '../../tests/support/given-stack.ts'
import { startKafkaProxy } from '../../tests/support/kafka-proxy.ts'
import { readTopic } from '../../tests/support/kafka-reader.ts'
import { test } from '../../tests/support/world.ts'
import { createKafkaPublisher, startKafkaConsumer, startKafkaStream, type TopicRecord } from './kafka.ts'
import { partitionOf } from './partitioner.ts'
import { type PartlyPublishedError, TooLargeError } from './publisher.ts'

const message = (key: string, value: string) => ({ key, value: Buffer.from(value), headers: { ce_type: 'job.queued' } })

test('publishes each message once, in order per key', async ({ world: { app } }) => {
  const { brokers, topic } = app.config.kafka
  const sent = Array.from({ length: 60 }, (_, i) => message(`job-${i % 7}`, String(i)))
  for (let i = 0; i < sent.length; i += 20) await app.publisher.publish(topic, sent.slice(i, i + 20))
  const received = await readTopic(brokers[0] ?? '', topic)
  const values = (all: { key: string; value: string }[]) =>
    Object.fromEntries([...Map.groupBy(all, (it) => it.key)].map(([key, those]) => [key, those.map((it) => it.value)]))
  expect(values(received.map((it) => ({ key: String(it.key), value: String(it.payload) })))).toEqual(
    values(sent.map((it) => ({ key: it.key, value: String(it.value) }))),
  )
})

test('publishes bytes and headers as they are', async ({ world: { app } }) => {
  const { brokers, topic } = app.config.kafka
  const value = Buffer.from([0, 255, 128, 10])
  await app.publisher.publish(topic, [{ key: 'k', value, headers: { 'content-type': 'application/x' } }])
  const [received] = await readTopic(brokers[0] ?? '', topic)
  expect(received?.payload).toEqual(value)
  expect(String(received?.headers?.['content-type'])).toBe('application/x')
})

test('keeps a key in one partition', async ({ world: { app } }) => {
  const { brokers, topic } = app.config.kafka
  for (let i = 0; i < 5; i++) await app.publisher.publish(topic, [message('same', String(i))])
  const received = await readTopic(brokers[0] ?? '', topic)
  expect(new Set(received.map((it) => it.partition)).size).toBe(1)
  expect(received.map((it) => String(it.payload))).toEqual(['0', '1', '2', '3', '4'])
})

test('is ready when a broker answers', async ({ world: { app } }) => {
  await expect(app.publisher.ready()).resolves.toBeUndefined()
})

test('throws when no broker answers', async ({ world: { app } }) => {
  const publisher = createKafkaPublisher({ brokers: ['127.0.0.1:1'], log: app.log })
  await expect(publisher.ready()).rejects.toThrow(/ECONNREFUSED/)
  await expect(publisher.publish('t', [message('k', 'v')])).rejects.toThrow(/ECONNREFUSED/)
  await publisher.close()
})

test('says so when a broker finds a request too large, and goes on', async ({ world: { app } }) => {
  const { topic } = app.config.kafka
  const large = Array.from({ length: 11 }, () => message('k', 'x'.repeat(100_000)))
  const refused = await app.publisher.publish(topic, large).catch((error: unknown) => error)
  // The embedded broker takes whatever comes.
  if (givenStack().kafkaAddress === undefined) expect(refused).toBeUndefined()
  else expect(refused).toBeInstanceOf(TooLargeError)
  await app.publisher.publish(topic, large.slice(0, 9))
})

test('finds a broker that came back under another address', async ({ world: { app } }) => {
  const { brokers, topic } = app.config.kafka
  let known = ['127.0.0.1:1']
  const publisher = createKafkaPublisher({ brokers: async () => known, log: app.log })
  await expect(publisher.publish(topic, [message('k', 'lost')])).rejects.toThrow()
  known = brokers
  await publisher.publish(topic, [message('k', 'found')])
  await publisher.close()
  const received = await readTopic(brokers[0] ?? '', topic)
  expect(received.map((it) => String(it.payload))).toEqual(['found'])
})

test('says which messages were taken while a partition takes none, and repeats none of them from then on', async ({
  world: { app },
}) => {
  const { brokers, topic } = app.config.kafka
  const proxy = await startKafkaProxy(brokers[0] ?? '')
  onTestFinished(() => proxy.close())
  const publisher = createKafkaPublisher({ brokers: [proxy.address], log: app.log })
  onTestFinished(() => publisher.close())
  const refusalOf = (messages: ReturnType<typeof message>[]) =>
    publisher.publish(topic, messages).then(
      () => undefined,
      (error: PartlyPublishedError) => error,
    )
  await publisher.publish(topic, [message('ill', '0')])
  const partitions = 4
  const ill = partitionOf('ill', partitions)
  const well = Array.from({ length: 20 }, (_, i) => `job-${i}`).filter((key) => partitionOf(key, partitions) !== ill)
  proxy.failing.add(ill)
  const first = ['ill', ...well].map((key) => message(key, '1'))
  expect(await refusalOf(first)).toBeInstanceOf(Error)
  expect((await refusalOf(first))?.taken).toEqual(new Set(first.slice(1)))
  expect(await refusalOf([message('ill', '2')])).toBeInstanceOf(Error)
  const later = ['ill', ...well].map((key) => message(key, '2'))
  expect((await refusalOf(later))?.taken).toEqual(new Set(later.slice(1)))
  proxy.failing.clear()
  expect(await refusalOf([message('ill', '2')])).toBeUndefined()
  expect(await refusalOf(later.map(({ key }) => message(key, '3')))).toBeUndefined()
  const received = await readTopic(brokers[0] ?? '', topic)
  const of = (value: string) => received.filter((it) => String(it.key) !== 'ill' && String(it.payload) === value)
  expect({ later: of('2').length, last: of('3').length }).toEqual({ later: well.length, last: well.length })
})

test('gives a consumer group what was published before and after it came, in order per key', async ({ world }) => {
  const { publisher, config, log } = world.app
  const { brokers, topic } = config.kafka
  const numbers = (from: number) => Array.from({ length: 20 }, (_, i) => message(`job-${i % 2}`, String(from + i)))
  await publisher.publish(topic, numbers(0))
  const received: string[] = []
  const onMessage = (value: Buffer) => void received.push(String(value))
  const consumer = await startKafkaConsumer({ brokers, groupId: `group-of-${topic}`, topic, log, onMessage })
  await publisher.publish(topic, numbers(20))
  await expect.poll(() => received.length).toBe(40)
  await consumer.stop()
  const inOrder = Array.from({ length: 40 }, (_, i) => String(i))
  const ofKey = (all: string[], rest: number) => all.filter((value) => Number(value) % 2 === rest)
  for (const rest of [0, 1]) expect(ofKey(received, rest)).toEqual(ofKey(inOrder, rest))
})

test('a group says each second how far it has read, and not of each batch; who begins anew goes on from there', async ({
  world: { app },
}) => {
  const OFFSET_COMMIT = 8
  const { brokers, topic } = app.config.kafka
  const proxy = await startKafkaProxy(brokers[0] ?? '')
  onTestFinished(() => proxy.close())
  const start = async (received: string[]) => {
    const onRecords = async (read: () => TopicRecord[]) => void received.push(...read().map((it) => String(it.value)))
    const options = { groupId: `group-of-${topic}`, topic, log: app.log, maxRecords: 100, onRecords, onCrash: () => {} }
    const stream = await startKafkaStream({ ...options, brokers: [proxy.address] })
    onTestFinished(() => stream.stop())
    return stream
  }
  const first: string[] = []
  const began = performance.now()
  const stream = await start(first)
  for (let n = 0; n < 20; n++) {
    await app.publisher.publish(topic, [message('one', String(n))])
    await expect.poll(() => first.length, { interval: 5 }).toBe(n + 1)
  }
  expect(proxy.requests(OFFSET_COMMIT)).toBeLessThanOrEqual((performance.now() - began) / 1_000)
  // What comes more than a second after it last said so is said at once, with all that was before.
  let sent = 20
  const isAllSaid = async (): Promise<boolean> => {
    if ((await saidBy(brokers, `group-of-${topic}`, topic)) === sent) return true
    await app.publisher.publish(topic, [message('one', String(sent++))])
    return false
  }
  await vi.waitUntil(isAllSaid, { timeout: 60_000, interval: 1_500 })
  expect(first).toHaveLength(sent)
  await stream.stop()
  const second: string[] = []
  await start(second)
  await app.publisher.publish(topic, [message('one', 'new')])
  await expect.poll(() => second).toEqual(['new'])
})

/** How many messages a group has said that it has read. */
const saidBy = async (brokers: string[], groupId: string, topic: string): Promise<number> => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const [said] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return (said?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  } finally {
    await admin.disconnect()
  }
}
