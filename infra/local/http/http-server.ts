import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { App } from '../../../lib/app.ts'
import { type ErrorCode, StintError } from '../../../lib/core/errors.ts'
import type { HttpHandler } from '../../../lib/http/declaration.ts'
import { toProblem } from '../../../lib/http/problem.ts'
import { MAX_BODY_BYTES } from '../../../lib/http/route.ts'
import { createContext, withinTime } from '../host/invocation.ts'
import type { Cors } from '../host/routing-table.ts'
import { callerOf, createIsProxy } from './caller.ts'
import { corsHeaders, preflight } from './cors.ts'
import { MalformedUrlError, splitTarget, toHttpEvent } from './http-event.ts'
import { CONNECTION_LIMITS, limitConnections } from './open-connections.ts'
import { refuseLargeEvent, refuseLargeResult } from './payload-limits.ts'
import { CallerGoneError, createBodyReader, endUnread } from './request-body.ts'
import { createRouter, type Match } from './router.ts'
import { createUnderWay } from './under-way.ts'

/** A route of the routing table with the function that serves it. */
export interface MountedRoute {
  method: string
  path: string
  functionName: string
  timeoutSeconds: number
  handler: HttpHandler
}

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

/** API Gateway answers 503 for a function that needs longer. */
const GATEWAY_TIMEOUT_MS = 30_000
/**
 * How long a request's headers and the whole request may take, and how often that is checked; and how long nothing at all may
 * move on a connection, which is longer than those and any answer take: then its caller reads nothing of an answer.
 */
const PATIENCE = { headersMs: 20_000, requestMs: 60_000, checkMs: 30_000, stillMs: 120_000 }
/** The address and all headers together (AWS: "Amazon API Gateway quotas", HTTP APIs). */
const MAX_HEADER_BYTES = 10_240
type Result = APIGatewayProxyStructuredResultV2

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
  const match = createRouter(routes)
  const isProxy = createIsProxy(trustedProxies)
  const underWay = createUnderWay()
  const readBody = createBodyReader({ maxBytes: MAX_BODY_BYTES, maxArrivingBytes })
  let closing = false

  const call = async (request: IncomingMessage, requestId: string): Promise<Result> => {
    const { method = 'GET' } = request
    refuseUnmeant(request)
    const url = originForm(method, request.url ?? '/')
    const { path } = splitTarget(url)
    if (method === 'OPTIONS') return preflight(cors, request.headers as Record<string, string>)
    const { route, pathParameters } = demandRoute(match(method, path), method, url)
    const body = await readBody(request)
    const event = toHttpEvent({
      method,
      url,
      headers: request.headers,
      body,
      ip: callerOf(request, isProxy),
      requestId,
      routeKey: `${route.method} ${route.path}`,
      pathParameters,
    })
    refuseLargeEvent(event, body)
    const timeoutMs = Math.min(route.timeoutSeconds * 1_000, GATEWAY_TIMEOUT_MS)
    const context = createContext(app, { functionName: route.functionName, requestId, timeoutMs })
    return withinTime(route.handler(event, context), timeoutMs)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID()
    const began = performance.now()
    const result = await call(request, requestId)
      .then(refuseLargeResult)
      .catch((error: unknown) => {
        if (error instanceof CallerGoneError) return undefined
        return toProblem(asRequestError(error), requestId, app.log)
      })
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

/** Turns `GET http://host/path`, as sent to proxies, into `GET /path`. */
const originForm = (method: string, url: string): string => {
  if (url.startsWith('/')) return url
  if (url === '*' && method === 'OPTIONS') return '/'
  const absolute = /^https?:\/\/[^/?#]*([/?].*)?$/i.exec(url)
  if (!absolute) throw new StintError('MALFORMED_REQUEST', 'The address is neither a path nor one of HTTP.')
  const path = absolute[1] ?? '/'
  return path.startsWith('/') ? path : `/${path}`
}

/** Refuses what HTTP forbids to serve: no host or two of them, or an expectation that can't be met. */
const refuseUnmeant = ({ headers, rawHeaders, httpVersion }: IncomingMessage): void => {
  // Node takes the first one, a proxy in front may have taken the last, and API Gateway joins them.
  const single = rawHeaders.filter(isSingle).map((name) => name.toLowerCase())
  const twice = single.find((name, index) => single.indexOf(name) < index)
  if (twice) throw new StintError('MALFORMED_REQUEST', `The header ${twice} comes twice.`)
  if (httpVersion !== '1.1') return
  if (headers.host === undefined) throw new StintError('MALFORMED_REQUEST', 'HTTP/1.1 needs a Host header.')
  if (headers.expect !== undefined && !/100-continue/i.test(headers.expect))
    throw new StintError('EXPECTATION_FAILED', 'All that can be expected here is 100-continue.')
}

/** Whether an entry of `rawHeaders`, where names and values alternate, is the name of a header that may come only once. */
const isSingle = (text: string, index: number): boolean =>
  index % 2 === 0 && /^(?:host|authorization|content-type)$/i.test(text)

const demandRoute = (found: Match<MountedRoute>, method: string, url: string) => {
  if (found.found === 'route') return found
  // A malformed URL is refused as such, and not as one that wasn't found.
  refuseMalformed(url)
  if (found.found === 'nothing') throw new StintError('NOT_FOUND')
  const allow = found.methods.join(', ')
  throw new StintError('METHOD_NOT_ALLOWED', `${method} is not allowed here; allowed: ${allow}.`, {
    headers: { allow },
  })
}

const refuseMalformed = (url: string): void => {
  if (!url.includes('%')) return
  try {
    decodeURIComponent(url)
  } catch (cause) {
    throw new MalformedUrlError('The address is not valid percent-encoding.', { cause })
  }
}

const asRequestError = (error: unknown): unknown =>
  error instanceof MalformedUrlError ? new StintError('MALFORMED_REQUEST', error.message, { cause: error }) : error

const respond = (
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  result: Result,
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

const REFUSALS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/** Answers what never became a request: it isn't HTTP, its headers are too large, or it didn't arrive in time. */
const refuseMalformedRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else socket.end(rawRefusal(REFUSALS[error.code ?? ''] ?? 'MALFORMED_REQUEST'))
}

/** One connection too many isn't waited for. */
const refuseConnection = (socket: Socket): void => {
  socket.write(rawRefusal('UNAVAILABLE', 'Too many connections are open, all of them busy.'))
  socket.destroySoon()
}

/** The last answer of a connection, as it goes over the wire. */
const rawRefusal = (code: ErrorCode, detail?: string): string => {
  const requestId = randomUUID()
  const { statusCode = 400, headers, body = '' } = toProblem(new StintError(code, detail), requestId, undefined)
  const lines = Object.entries({
    ...headers,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n${lines.join('')}\r\n${body}`
}
