import * as liveConnections from '../../db/queries/live-connections.ts'
import { socket } from '../../lib/live/socket.ts'

/** Forgets a closed connection. AWS doesn't promise to report each one. */
export const handler = socket('$disconnect', async ({ app, connectionId }) => {
  await liveConnections.remove(app.sql, connectionId)
  return undefined
})
