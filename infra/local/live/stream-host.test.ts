import { expect, onTestFinished } from 'vitest'
import type { App } from '../../../lib/app.ts'
import type { StreamHandler } from '../../../lib/events/stream.ts'
import { test, type World } from '../../../tests/support/world.ts'
import { readRoutingTable } from '../host/routing-table.ts'
import { createStreamHost } from './stream-host.ts'

const EVENTS = 12

/** A host that reads a topic of its own. */
const startHost = ({ app: { config, ...others } }: World, name: string, rests = false) => {
  const [entry] = readRoutingTable('serverless.yml').streams
  if (!entry) throw new Error('no function reads from Kafka')
  const topic = `${config.kafka.topic}-${name}`
  const app: App = { ...others, config: { ...config, kafka: { ...config.kafka, topic } } }
  const heard = new Set<string>()
  const handler: StreamHandler = async ({ records }) => {
    for (const { value } of Object.values(records).flat()) heard.add(value)
  }
  const host = createStreamHost({ app, entry, handler, rests })
  onTestFinished(() => host.stop())
  host.follow(config.kafka.brokers.join())
  return { host, topic, heard }
}

const publish = ({ app }: World, topic: string, from: number, to: number) =>
  app.publisher.publish(
    topic,
    Array.from({ length: to - from }, (_, nth) => ({
      key: `${from + nth}`,
      value: Buffer.from(`${from + nth}`),
      headers: {},
    })),
  )

test('hosts that have topics of their own on one broker each read all of theirs', async ({ world }) => {
  const hosts = ['one', 'other'].map((name) => startHost(world, name))
  for (const { topic } of hosts) await publish(world, topic, 0, EVENTS)
  await expect.poll(() => hosts.map(({ heard }) => heard.size)).toEqual([EVENTS, EVENTS])
})

test('one that rests reads what it is woken for, and what nobody wakes it for', async ({ world }) => {
  const { host, topic, heard } = startHost(world, 'resting', true)
  for (let round = 1; round <= 6; round++) {
    await publish(world, topic, EVENTS * (round - 1), EVENTS * round)
    if (round % 2 === 0) host.wake()
    await expect.poll(() => heard.size).toBe(EVENTS * round)
  }
})
