import { type CloudEvent, fromMessage } from '../../lib/events/cloud-event.ts'
import type { Publisher } from '../../lib/events/publisher.ts'
import { type Actor, alive, type Traffic } from './traffic.ts'

/** Kafka: what was published, in order. It may fail before it has stored a batch, or after. */
export class Broker {
  readonly events: CloudEvent[] = []
  /** What becomes of the next batch. */
  fails: 'no' | 'before it stores' | 'after it stored' = 'no'

  /** The broker as one process reaches it. */
  of(actor: Actor, traffic: Traffic): Publisher {
    return {
      publish: async (_topic, messages) => {
        await traffic.turn(actor, `publishes ${messages.length} events`)
        alive(actor)
        const { fails } = this
        this.fails = 'no'
        if (fails === 'before it stores') throw new Error('Kafka is away')
        this.events.push(...messages.map((message) => fromMessage(message.value)))
        if (fails === 'after it stored') throw new Error('Kafka did not answer')
      },
      ready: async () => {},
      close: async () => {},
    }
  }
}
