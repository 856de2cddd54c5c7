import { relay } from '../../lib/events/relay.ts'
import { every } from '../../lib/schedule/every.ts'

/** Once a second, publishes the events that Kafka doesn't have yet. */
export const handler = every({ name: 'relay', everySeconds: 1, run: relay })
