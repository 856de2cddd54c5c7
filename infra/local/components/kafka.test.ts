import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { startKafka } from './kafka.ts'

test('hands what was produced to a consumer group, in order per key', async () => {
  const broker = await startKafka()
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ maxInFlightRequests: 1 })
  await producer.connect()
  const messages = Array.from({ length: 100 }, (_, i) => ({ key: `k${i % 7}`, value: String(i) }))
  await producer.send({ topic: 'numbers', acks: -1, messages })
  const consumer = kafka.consumer({ groupId: 'readers' })
  await consumer.connect()
  await consumer.subscribe({ topics: ['numbers'], fromBeginning: true })
  const received: { key: string; value: string }[] = []
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        received.push({ key: String(message.key), value: String(message.value) })
        if (received.length === messages.length) resolve()
      },
    })
  })
  await consumer.disconnect()
  await producer.disconnect()
  await broker.stop()
  const byKey = (all: typeof received) => Object.fromEntries(Map.groupBy(all, (it) => it.key))
  expect(byKey(received)).toEqual(byKey(messages))
})

test('tells when its process was killed, and starts anew with an empty log', async () => {
  const first = await startKafka()
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
  const second = await startKafka()
  const admin = new Kafka({ brokers: [second.address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  expect(await admin.listTopics()).toEqual([])
  expect((await admin.describeCluster()).brokers).toHaveLength(1)
  await admin.disconnect()
  await second.stop()
})

// It slept on until its wait was over: patches/README.md.
test('a reader that rested asks at once when it is resumed, however long it would have waited', async () => {
  const broker = await startKafka()
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  const send = (value: string) => producer.send({ topic: 'rest', messages: [{ partition: 0, key: null, value }] })
  await send('first')
  const consumer = kafka.consumer({ groupId: 'rests', maxWaitTimeInMs: 600_000 })
  await consumer.connect()
  await consumer.subscribe({ topics: ['rest'], fromBeginning: true })
  const heard: string[] = []
  let rested = 0
  consumer.on(consumer.events.FETCH_START, () => {
    if (heard.length > 0) rested++
  })
  await consumer.run({
    eachMessage: async ({ message }) => {
      heard.push(String(message.value))
      consumer.pause([{ topic: 'rest' }])
    },
  })
  await expect.poll(() => rested).toBe(1)
  await send('second')
  consumer.resume([{ topic: 'rest' }])
  await expect.poll(() => heard).toEqual(['first', 'second'])
  await producer.disconnect()
  await broker.stop()
}, 90_000)
