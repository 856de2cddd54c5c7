import { MalformedUrlError, splitTarget, toHttpEvent } from '../../infra/local/http/http-event.ts'
import { createRouter } from '../../infra/local/http/router.ts'
import type { App } from '../../lib/app.ts'
import { StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { toProblem } from '../../lib/http/problem.ts'
import type { Resource } from '../../lib/http/resource.ts'
import { lambdaContext } from './lambda-context.ts'
import { checkAnswer } from './openapi-check.ts'

/** Whatever JSON.parse gives: a test that looks for the wrong thing in it fails. */
export type Parsed = ReturnType<typeof JSON.parse>

export interface Answer {
  status: number
  headers: Record<string, string>
  /** Parsed when it is JSON; a Buffer when it is binary; undefined when there is none. */
  body: Parsed
}

export interface RequestOptions {
  token?: string
  /** An object goes as JSON; a string or a Buffer goes as it is. */
  body?: unknown
  headers?: Record<string, string | string[]>
  ip?: string
}

/**
 * Calls the API without a server: the event that the gateway would make, the resource that the gateway would call.
 * Every answer of a documented route is checked against the OpenAPI document.
 */
export const call = async (app: App, method: string, url: string, options: RequestOptions = {}): Promise<Answer> => {
  const { resources } = await import('../../functions/http/index.ts')
  const { path } = splitTarget(url)
  const target = findRoute(resources, method, path)
  const requestId = newId()
  try {
    const event = toHttpEvent({
      method,
      url,
      ...encodeBody(options),
      ip: options.ip ?? '203.0.113.7',
      requestId,
      routeKey: target?.routeKey ?? '$default',
      pathParameters: target?.params,
    })
    const handler = target?.resource ?? (() => toProblem(new StintError('NOT_FOUND'), requestId, app.log))
    const result = await handler(event, lambdaContext(app, 30))
    const headers = Object.fromEntries(
      Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)]),
    )
    const answer = { status: result.statusCode ?? 200, headers, body: decodeBody(result, headers['content-type']) }
    if (target?.declared) checkAnswer(resources, method, target.declared, answer)
    return answer
  } catch (error) {
    if (!(error instanceof MalformedUrlError)) throw error
    return { status: 400, headers: { 'content-type': 'application/json' }, body: { message: 'Bad Request' } }
  }
}

interface Target {
  resource: Resource
  routeKey: string
  params: Record<string, string>
  /** The route's path; undefined when the path exists with other methods only. */
  declared: string | undefined
}

const findRoute = (resources: readonly Resource[], method: string, path: string): Target | undefined => {
  const match = createRouter(
    resources.flatMap((resource) => resource.routes.map(({ declaration: it }) => ({ ...it, resource }))),
  )
  const asked = match(method, path)
  // With another method the resource is called all the same, and refuses it.
  const found = asked.found === 'path' ? match(asked.methods[0] ?? '', path) : asked
  if (found.found !== 'route') return undefined
  const { route, pathParameters = {} } = found
  const isExact = asked === found
  return {
    resource: route.resource,
    routeKey: isExact ? `${method} ${route.path}` : '$default',
    params: pathParameters,
    declared: isExact ? route.path : undefined,
  }
}

const encodeBody = ({ body, headers = {}, token }: RequestOptions) => {
  const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(isJson ? JSON.stringify(body) : String(body ?? ''))
  return {
    body: bytes,
    headers: {
      host: 'api.test',
      'user-agent': 'tests',
      ...(token && { authorization: `Bearer ${token}` }),
      ...((isJson || typeof body === 'string') && { 'content-type': 'application/json' }),
      ...headers,
    },
  }
}

const decodeBody = (
  { body, isBase64Encoded }: { body?: string | undefined; isBase64Encoded?: boolean | undefined },
  contentType = '',
): Parsed => {
  if (body === undefined) return undefined
  if (isBase64Encoded) return Buffer.from(body, 'base64')
  return /^application\/([a-z0-9.+-]+\+)?json\b/.test(contentType) ? JSON.parse(body) : body
}
