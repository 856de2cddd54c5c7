import { stream } from '../../lib/events/stream.ts'
import { ofCloudEvent } from '../../lib/live/live-event.ts'
import { pushEvents } from '../live-push.ts'

/** Jobs' events, to those who listen. */
export const handler = stream(({ app, events }) => pushEvents(app, events.map(ofCloudEvent)))
