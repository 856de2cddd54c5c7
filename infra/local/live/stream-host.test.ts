import { onTestFinished, vi } from 'vitest'
import type { App } from '../../../lib/app.ts'
import type { StreamHandler } from '../../../lib/events/stream.ts'
import { test } from '../../../tests/support/world.ts'
import { readRoutingTable } from '../routing-table.ts'
import { createStreamHost } from './stream-host.ts'

const EVENTS = 12

test('hosts that have topics of their own on one broker each read all of theirs', async ({ world }) => {
  const [entry] = readRoutingTable('serverless.yml').streams
  if (!entry) throw new Error('no function reads from Kafka')
  const hosts = ['one', 'other'].map((name) => {
    const { config } = world.app
    const topic = `${config.kafka.topic}-${name}`
    const app: App = { ...world.app, config: { ...config, kafka: { ...config.kafka, topic } } }
    const heard = new Set<string>()
    const handler: StreamHandler = async ({ records }) => {
      for (const { value } of Object.values(records).flat()) heard.add(value)
    }
    const host = createStreamHost({ app, entry, handler })
    onTestFinished(() => host.stop())
    host.follow(config.kafka.brokers.join())
    return { topic, heard }
  })
  for (const { topic } of hosts) {
    const messages = Array.from({ length: EVENTS }, (_, n) => ({
      key: `${n}`,
      value: Buffer.from(`${n}`),
      headers: {},
    }))
    await world.app.publisher.publish(topic, messages)
  }
  await vi.waitUntil(() => hosts.every(({ heard }) => heard.size === EVENTS), { timeout: 60_000 })
})
