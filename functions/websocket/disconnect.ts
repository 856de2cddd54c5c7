import * as liveConnections from '../../db/queries/live-connections.ts'
import { socket } from '../../lib/live/socket.ts'

/** Forgets a connection that was closed. AWS promises no more than to try to tell of it. */
export const handler = socket('$disconnect', async ({ app, connectionId }) => {
  await liveConnections.remove(app.sql, connectionId)
  return undefined
})
