import { socket } from '../../lib/live/socket.ts'
import { connect } from '../use-cases/live.ts'

/** Accepts a connection that has a ticket. */
export const handler = socket('$connect', async ({ app, connectionId, query }) => {
  await connect(app, connectionId, query['ticket'] ?? '')
  return undefined
})
