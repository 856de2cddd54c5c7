import { z } from 'zod'
import * as liveConnections from '../../db/queries/live-connections.ts'
import { parseJson } from '../../lib/core/parse-json.ts'
import type { Frame } from '../../lib/live/frames.ts'
import { socket } from '../../lib/live/socket.ts'

const ping = z.object({ type: z.literal('ping') })

/** Answers a ping, or tells a connection that is about to end to reconnect. */
export const handler = socket('$default', async ({ app, connectionId, body }): Promise<Frame> => {
  if (!ping.safeParse(parseJson(body)).success) return { type: 'error', message: 'expected {"type":"ping"}' }
  const secondsLeft = await liveConnections.findSecondsLeft(app.sql, connectionId)
  return secondsLeft === null ? { type: 'reconnect' } : { type: 'pong', secondsLeft: Math.floor(secondsLeft) }
})
