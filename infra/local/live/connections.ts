import type { WebSocket } from 'ws'

/** An open WebSocket. */
export interface Connection {
  id: string
  socket: WebSocket
  lastActiveAt: Date
}

/** How much may wait for a client that reads slowly, and for all clients together, which share it. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
const MAX_WAITING_BYTES_OF_ALL = 64 * 1024 * 1024

/** The open WebSockets of this host, by their ids. */
export interface Connections {
  add(connection: Connection): void
  remove(id: string): void
  find(id: string): Connection | undefined
  all(): Connection[]
  /** False if there is no such connection, or it reads too slowly and was ended. */
  send(id: string, text: string): boolean
}

export const createConnections = (): Connections => {
  const open = new Map<string, Connection>()
  return {
    add: (connection) => void open.set(connection.id, connection),
    remove: (id) => void open.delete(id),
    find: (id) => open.get(id),
    all: () => [...open.values()],
    send: (id, text) => {
      const connection = open.get(id)
      if (!connection) return false
      if (connection.socket.bufferedAmount > Math.min(MAX_WAITING_BYTES, MAX_WAITING_BYTES_OF_ALL / open.size)) {
        connection.socket.terminate()
        return false
      }
      connection.lastActiveAt = new Date()
      connection.socket.send(text)
      return true
    },
  }
}
