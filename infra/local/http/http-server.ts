import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { App } from '../../../lib/app.ts'
import { toProblem } from '../../../lib/http/problem.ts'
import { MAX_BODY_BYTES } from '../../../lib/http/route.ts'
import type { Cors } from '../host/routing-table.ts'
import { createIsProxy } from './caller.ts'
import { corsHeaders } from './cors.ts'
import { createGateway, type MountedRoute } from './gateway.ts'
import { CONNECTION_LIMITS, limitConnections } from './open-connections.ts'
import { refuseConnection, refuseMalformedRequest } from './refusals.ts'
import { CallerGoneError, endUnread } from './request-body.ts'
import { createUnderWay } from './under-way.ts'

export interface HttpServerOptions {
  app: App
  routes: readonly MountedRoute[]
  cors: Cors
  /** Addresses and networks of proxies: their callers are told apart by X-Forwarded-For. */
  trustedProxies?: readonly string[]
  /** Takes over connections whose clients ask for a WebSocket. Without it there are no WebSockets. */
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** How long it waits for callers. Shorter in tests. */
  patience?: typeof PATIENCE
  /** What bodies that have not come whole may hold together. Less in tests. */
  maxArrivingBytes?: number
  /** How many connections may be open. Fewer in tests. */
  connectionLimits?: typeof CONNECTION_LIMITS
}

export interface HttpServer {
  /** @returns the port. @throws when it is taken */
  listen(port: number, address: string): Promise<number>
  /** Takes no new requests and answers those under way. Resolves when all connections are closed, after `graceMs` by force. */
  close(graceMs: number): Promise<void>
}

/**
 * How long a request's headers and the whole request may take, and how often that is checked; and how long nothing at all may
 * move on a connection, which is longer than those and any answer take: then its caller reads nothing of an answer.
 */
const PATIENCE = { headersMs: 20_000, requestMs: 60_000, checkMs: 30_000, stillMs: 120_000 }
/** The address and all headers together (AWS: "Amazon API Gateway quotas", HTTP APIs). */
const MAX_HEADER_BYTES = 10_240

/** The gateway: an HTTP server that calls functions as API Gateway's HTTP API calls them, and keeps its limits. */
export const createHttpServer = ({
  app,
  routes,
  cors,
  trustedProxies = [],
  onUpgrade,
  patience = PATIENCE,
  maxArrivingBytes,
  connectionLimits = CONNECTION_LIMITS,
}: HttpServerOptions): HttpServer => {
  const isProxy = createIsProxy(trustedProxies)
  const call = createGateway({ app, routes, cors, isProxy, maxArrivingBytes })
  const underWay = createUnderWay()
  let closing = false

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID()
    const began = performance.now()
    const result = await call(request, requestId).catch((error: unknown) =>
      error instanceof CallerGoneError ? undefined : toProblem(error, requestId, app.log),
    )
    if (!result || response.destroyed) return
    const { method, url } = request
    app.log.debug(
      { requestId, method, url, status: result.statusCode, ms: Math.round(performance.now() - began) },
      'http',
    )
    if (closing) response.shouldKeepAlive = false
    respond(request, response, requestId, result, corsHeaders(cors, request.headers.origin))
  }

  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    // Longer than clients keep idle connections, so that the server doesn't close one just as a request arrives.
    keepAliveTimeout: 65_000,
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.checkMs,
    // Node's own refusal would have no problem document.
    requireHostHeader: false,
    // curl --http2 and Java's client offer an upgrade to h2c with their first request. A server that declines answers as if
    // there were no offer (RFC 9110, 7.8).
    shouldUpgradeCallback: ({ headers }) => onUpgrade !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
  })
  server.setTimeout(patience.stillMs)
  const markBusy = limitConnections(server, connectionLimits, { isProxy, refuse: refuseConnection })
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    markBusy(socket, response)
    const ahead = underWay.add(socket, response)
    const served = ahead
      ? ahead.then(() => (socket.destroyed ? undefined : serve(request, response)))
      : serve(request, response)
    served.catch((error: unknown) => {
      app.log.error({ err: error, url: request.url }, 'an answer could not be sent')
      response.destroy()
    })
  }
  server.on('request', answer)
  if (onUpgrade) server.on('upgrade', onUpgrade)
  // "Expect: 100-continue": a body that is too large is refused before it is sent.
  server.on('checkContinue', (request, response) => {
    if (!(Number(request.headers['content-length']) > MAX_BODY_BYTES)) response.writeContinue()
    answer(request, response)
  })
  server.on('checkExpectation', answer)
  server.on('clientError', (error, socket) => {
    underWay.end(socket as Socket, () => refuseMalformedRequest(error, socket as Socket))
  })

  return {
    listen: (port, address) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, address, () => {
          server.off('error', reject)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    close: async (graceMs) => {
      closing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

const respond = (
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  result: APIGatewayProxyStructuredResultV2,
  cors: Record<string, string> | undefined,
): void => {
  const status = result.statusCode ?? 200
  const { body: text = '', isBase64Encoded } = result
  // Text isn't made into a buffer: Node sends a string together with the headers, in one write.
  const body = isBase64Encoded ? Buffer.from(text, 'base64') : text
  const unread = !request.complete && hasBody(request)
  response.writeHead(status, {
    'x-request-id': requestId,
    ...(result.headers as Record<string, string>),
    ...(result.cookies && { 'set-cookie': result.cookies }),
    ...cors,
    ...(status !== 204 && status !== 304 && { 'content-length': Buffer.byteLength(body) }),
    ...(unread && { connection: 'close' }),
  })
  if (unread) endUnread(request, response, body)
  else response.end(body)
}

const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
