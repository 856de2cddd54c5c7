import type { IncomingMessage } from 'node:http'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { App } from '../../../lib/app.ts'
import { StintError } from '../../../lib/core/errors.ts'
import type { HttpHandler } from '../../../lib/http/declaration.ts'
import { MAX_BODY_BYTES } from '../../../lib/http/route.ts'
import { createContext, withinTime } from '../host/invocation.ts'
import type { Cors } from '../host/routing-table.ts'
import { callerOf, type IsProxy } from './caller.ts'
import { preflight } from './cors.ts'
import { MalformedUrlError, splitTarget, toHttpEvent } from './http-event.ts'
import { refuseLargeEvent, refuseLargeResult } from './payload-limits.ts'
import { createBodyReader } from './request-body.ts'
import { createRouter, type Match } from './router.ts'

/** A route of the routing table with the function that serves it. */
export interface MountedRoute {
  method: string
  path: string
  functionName: string
  timeoutSeconds: number
  handler: HttpHandler
}

export interface GatewayOptions {
  app: App
  routes: readonly MountedRoute[]
  cors: Cors
  isProxy: IsProxy
  /** What bodies that have not come whole may hold together. Less in tests. */
  maxArrivingBytes: number | undefined
}

/** API Gateway answers 503 for a function that needs longer. */
const GATEWAY_TIMEOUT_MS = 30_000

/**
 * What API Gateway does between a request and its answer: finds the route, makes the event, and calls the function.
 * @throws {StintError} what it refuses, and what the function throws @throws {CallerGoneError}
 */
export const createGateway = ({ app, routes, cors, isProxy, maxArrivingBytes }: GatewayOptions) => {
  const match = createRouter(routes)
  const readBody = createBodyReader({ maxBytes: MAX_BODY_BYTES, maxArrivingBytes })

  const call = async (request: IncomingMessage, requestId: string): Promise<APIGatewayProxyStructuredResultV2> => {
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

  return (request: IncomingMessage, requestId: string): Promise<APIGatewayProxyStructuredResultV2> =>
    call(request, requestId).then(refuseLargeResult, refuseMalformedUrl)
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

/** An address that can't be read is the caller's mistake. */
const refuseMalformedUrl = (error: unknown): never => {
  throw error instanceof MalformedUrlError
    ? new StintError('MALFORMED_REQUEST', error.message, { cause: error })
    : error
}
