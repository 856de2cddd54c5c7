import { randomBytes, randomUUID } from 'node:crypto'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { App } from '../../../lib/app.ts'
import type { SocketHandler, SocketRoute } from '../../../lib/live/socket.ts'
import { createContext, withinTime } from '../host/invocation.ts'
import { MalformedUrlError } from '../http/http-event.ts'
import type { Connection, Connections } from './connections.ts'
import { toSocketEvent } from './socket-event.ts'

/** A route of the WebSocket API with the function that serves it. */
export interface MountedSocket {
  route: SocketRoute
  functionName: string
  timeoutSeconds: number
  handler: SocketHandler
}

export interface SocketServerOptions {
  app: App
  sockets: readonly MountedSocket[]
  connections: Connections
}

export interface SocketServer {
  /** Takes over a connection of the HTTP server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends all connections and waits until the functions know. */
  close(): Promise<void>
}

/** AWS: "Amazon API Gateway quotas", WebSocket APIs. A client's message must fit into one frame of 32 KB. */
const MAX_FRAME_BYTES = 32 * 1024
const IDLE_MS = 10 * 60_000
const MAX_LIFE_MS = 2 * 3_600_000
const GOING_AWAY = 1_001
const CLOSE_MS = 1_000

const PATH = '/live'

interface Opening {
  connectionId: string
  connectedAt: Date
  request: IncomingMessage
  ip: string
}

/** API Gateway's WebSocket API at `/live`: it calls the functions with its events, and keeps its limits. */
export const createSocketServer = ({ app, sockets, connections }: SocketServerOptions): SocketServer => {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false })
  const calls = new Set<Promise<unknown>>()
  let closing = false

  const invoke = async (
    route: SocketRoute,
    opening: Opening,
    body?: { text: string; isBase64Encoded: boolean },
  ): Promise<APIGatewayProxyStructuredResultV2> => {
    const mounted = sockets.find((it) => it.route === route)
    if (!mounted) throw new Error(`no function serves ${route}`)
    const requestId = randomUUID()
    const timeoutMs = mounted.timeoutSeconds * 1_000
    const event = toSocketEvent(route, { ...opening, requestId }, body)
    const context = createContext(app, { functionName: mounted.functionName, requestId, timeoutMs })
    const call = withinTime(mounted.handler(event, context), timeoutMs)
    calls.add(call)
    return call.finally(() => calls.delete(call)) as Promise<APIGatewayProxyStructuredResultV2>
  }

  const open = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    if (closing) return refuse(socket, 503)
    if ((request.url ?? '').split('?')[0] !== PATH) return refuse(socket, 404)
    const opening = {
      connectionId: `${randomBytes(11).toString('base64url')}=`,
      connectedAt: new Date(),
      request,
      ip: request.socket.remoteAddress ?? '',
    }
    const { statusCode = 200 } = await invoke('$connect', opening)
    if (statusCode < 200 || statusCode > 299) return refuse(socket, statusCode)
    if (closing || socket.destroyed) {
      refuse(socket, 503)
      await invoke('$disconnect', opening)
      return
    }
    let isOpen = false
    server.handleUpgrade(request, socket, head, (webSocket) => {
      isOpen = true
      keep(webSocket, opening)
    })
    // Refused at once, for its headers, so that there will be no 'close' event.
    if (!isOpen) await invoke('$disconnect', opening)
  }

  const keep = (webSocket: WebSocket, opening: Opening): void => {
    const id = opening.connectionId
    const connection: Connection = { id, socket: webSocket, lastActiveAt: new Date() }
    connections.add(connection)
    const stopTimers = limitLife(connection)
    const inTurn = takeTurns(webSocket)
    webSocket.on('message', (data, isBinary) => {
      connection.lastActiveAt = new Date()
      inTurn(() => receive(opening, data, isBinary).catch(failed('a WebSocket message was not answered')))
    })
    // A 'close' event follows.
    webSocket.on('error', (error) => app.log.debug({ err: error, connectionId: id }, 'a WebSocket failed'))
    webSocket.on('close', () => {
      stopTimers()
      connections.remove(id)
      invoke('$disconnect', opening).catch(failed('the end of a WebSocket was not taken note of'))
    })
  }

  /** The function's answer goes back by the route response. */
  const receive = async (opening: Opening, data: RawData, isBinary: boolean): Promise<void> => {
    const text = (data as Buffer).toString(isBinary ? 'base64' : 'utf8')
    const { body } = await invoke('$default', opening, { text, isBase64Encoded: isBinary })
    if (body) connections.send(opening.connectionId, body)
  }

  const failed = (message: string) => (error: unknown) => app.log.warn({ err: error }, message)

  return {
    upgrade: (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      open(request, socket, head).catch((error: unknown) => {
        if (error instanceof MalformedUrlError) return refuse(socket, 400)
        app.log.warn({ err: error, url: request.url?.split('?')[0] }, 'a WebSocket could not be opened')
        refuse(socket, 500)
      })
    },
    close: async () => {
      closing = true
      const closed = connections.all().map(({ socket }) => end(socket))
      await Promise.all(closed)
      await Promise.allSettled(calls)
    },
  }
}

/**
 * Answers one message of a connection at a time and reads no more meanwhile, so that a client that sends thousands at once only
 * delays itself. Messages of the same chunk may have been read already; they are dropped if the connection ends.
 */
const takeTurns = (webSocket: WebSocket): ((answer: () => Promise<void>) => void) => {
  let waiting = 0
  let turn = Promise.resolve()
  return (answer) => {
    waiting++
    webSocket.pause()
    turn = turn.then(async () => {
      if (webSocket.readyState === webSocket.OPEN) await answer()
      waiting--
      if (waiting === 0) webSocket.resume()
    })
  }
}

const limitLife = (connection: Connection): (() => void) => {
  const end = () => connection.socket.close(GOING_AWAY)
  const life = setTimeout(end, MAX_LIFE_MS)
  const idle = setInterval(() => {
    if (Date.now() - connection.lastActiveAt.getTime() > IDLE_MS) end()
  }, IDLE_MS / 10)
  life.unref()
  idle.unref()
  return () => {
    clearTimeout(life)
    clearInterval(idle)
  }
}

const end = (webSocket: WebSocket): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => webSocket.terminate(), CLOSE_MS)
    webSocket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    webSocket.close(GOING_AWAY)
  })

/** A client that doesn't close its half would otherwise keep the connection for ever. */
const refuse = (socket: Duplex, status: number): void => {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
