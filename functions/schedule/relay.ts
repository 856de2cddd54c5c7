import { relay } from '../../lib/events/relay.ts'
import { every } from '../../lib/schedule/every.ts'

/** Each second: events that Kafka hasn't got. */
export const handler = every({ name: 'relay', everySeconds: 1, run: relay })
