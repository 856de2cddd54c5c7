import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FromConsumer, ToConsumer } from './kafka-consumer-process.ts'

/** A consumer of all events, as anybody would write it: it drops what it has seen, by job and number. */
export interface KafkaCollector {
  /** Type by `job:seq` of every event that came. */
  events: ReadonlyMap<string, string>
  /** How many came more than once. */
  repeated: () => number
  stop(): Promise<void>
}

const LOOK_MS = 20

/** @param addressNow where Kafka is. A broker that comes back has another address and an empty log. */
export const collectEvents = (topic: string, addressNow: () => string | undefined): KafkaCollector => {
  const events = new Map<string, string>()
  let repeated = 0
  let told: string | undefined

  const child = fork(fileURLToPath(new URL('./kafka-consumer-process.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.on('message', (batch: FromConsumer) => {
    for (const [id, type] of batch) {
      if (events.has(id)) repeated++
      events.set(id, type)
    }
  })
  const look = setInterval(() => {
    const address = addressNow()
    if (!address || address === told || !child.connected) return
    told = address
    child.send({ topic, address } satisfies ToConsumer)
  }, LOOK_MS)

  return {
    events,
    repeated: () => repeated,
    stop: async () => {
      clearInterval(look)
      if (!child.connected) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
