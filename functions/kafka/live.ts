import * as liveConnections from '../../db/queries/live-connections.ts'
import { stream } from '../../lib/events/stream.ts'
import { ofCloudEvent } from '../../lib/live/live-event.ts'
import { pushEvents } from '../use-cases/live-push.ts'

/** Jobs' events, to those who listen. */
export const handler = stream(async ({ app, read }) => {
  if (await liveConnections.areThere(app.sql)) await pushEvents(app, read().map(ofCloudEvent))
})
