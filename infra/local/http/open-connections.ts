import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { addressBlock } from '../../../lib/auth/rate-limit.ts'
import type { IsProxy } from './caller.ts'

/** How many connections may be open, of all callers together and of one address. */
export interface ConnectionLimits {
  ofAll: number
  ofAddress: number
}

/** API Gateway has no such limits, but a process has only so much memory, and so many files. */
export const CONNECTION_LIMITS: ConnectionLimits = { ofAll: 4_096, ofAddress: 1_024 }

/**
 * Limits the open connections of a server, WebSockets among them. One too many takes the place of the one that has waited the
 * longest for a whole request: who opens thousands and leaves them idle keeps nobody out. If all are busy, it is refused.
 * Those of a proxy are many callers', and count among all only.
 * @returns what takes note that a connection has a request under way until the answer has left
 */
export const limitConnections = (
  server: Server,
  { ofAll, ofAddress }: ConnectionLimits,
  { isProxy, refuse }: { isProxy: IsProxy; refuse: (socket: Socket) => void },
): ((socket: Socket, response: ServerResponse) => void) => {
  const open = new Map<Socket, { address: string; underWay: number }>()
  const counts = new Map<string, number>()
  /** The longest idle first. */
  const idle = new Set<Socket>()

  const longestIdle = (address: string | undefined): Socket | undefined => {
    for (const socket of idle) if (address === undefined || open.get(socket)?.address === address) return socket
    return undefined
  }
  const forget = (socket: Socket): void => {
    const address = open.get(socket)?.address
    idle.delete(socket)
    if (address === undefined || !open.delete(socket)) return
    const left = (counts.get(address) ?? 1) - 1
    if (left > 0) counts.set(address, left)
    else counts.delete(address)
  }

  server.on('connection', (socket) => {
    const address = addressBlock(socket.remoteAddress ?? '')
    const isOverItsOwn = !isProxy(socket.remoteAddress ?? '') && (counts.get(address) ?? 0) >= ofAddress
    if (isOverItsOwn || open.size >= ofAll) {
      const replaced = longestIdle(isOverItsOwn ? address : undefined)
      if (!replaced) return refuse(socket)
      forget(replaced)
      replaced.destroy()
    }
    open.set(socket, { address, underWay: 0 })
    counts.set(address, (counts.get(address) ?? 0) + 1)
    idle.add(socket)
    socket.once('close', () => forget(socket))
  })
  server.on('upgrade', (_, socket) => idle.delete(socket as Socket))

  return (socket, response) => {
    const connection = open.get(socket)
    if (!connection) return
    connection.underWay++
    idle.delete(socket)
    response.once('close', () => {
      connection.underWay--
      if (connection.underWay === 0 && open.has(socket)) idle.add(socket)
    })
  }
}
