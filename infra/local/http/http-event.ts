import type { APIGatewayProxyEventV2 } from 'aws-lambda'

/** An HTTP request as a server or a test has it. */
export interface PlainRequest {
  method: string
  /** The request's target: path and query, percent-encoded as it came. */
  url: string
  /** Names in any case; an array is a header that came several times. */
  headers: Record<string, string | readonly string[] | undefined>
  body: Buffer
  /** The caller's address. */
  ip: string
  requestId: string
  /** `POST /jobs/{jobId}/cancel`, or `$default`. */
  routeKey: string
  /** As matched, still percent-encoded. */
  pathParameters?: Record<string, string> | undefined
}

/** The gateway answers it with 400, without calling a function. */
export class MalformedUrlError extends Error {
  override readonly name = 'MalformedUrlError'
}

/** Content types whose bodies the gateway passes as text; all others come as base64. */
const TEXT = /^(text\/|application\/(json|javascript|xml|[a-z0-9.-]+\+json)\b)/i

/**
 * The event that API Gateway's HTTP API makes of a request (payload format 2.0), for the local host and for tests:
 * lower-case headers, cookies apart, equal names joined by commas, bodies as text or base64.
 * @throws {MalformedUrlError} when the path or the query isn't valid percent-encoding
 */
export const toHttpEvent = (request: PlainRequest): APIGatewayProxyEventV2 => {
  const { path, query } = splitTarget(request.url)
  decode(path)
  const { cookies, headers } = gatewayHeaders(request.headers)
  const parameters = queryParameters(query)
  const now = new Date()
  const domainName = headers['host'] ?? 'localhost'
  return {
    version: '2.0',
    routeKey: request.routeKey,
    rawPath: path,
    rawQueryString: query,
    ...(cookies && { cookies }),
    headers,
    ...(parameters && { queryStringParameters: parameters }),
    ...(request.pathParameters && { pathParameters: mapValues(request.pathParameters, decode) }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      http: {
        method: request.method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: request.ip,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: request.requestId,
      routeKey: request.routeKey,
      stage: '$default',
      time: gatewayTime(now),
      timeEpoch: now.getTime(),
    },
    ...gatewayBody(request.body, headers['content-type']),
  }
}

/** Path and query of a request's target. */
export const splitTarget = (url: string): { path: string; query: string } => {
  const mark = url.indexOf('?')
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new MalformedUrlError('The address is not valid percent-encoding.', { cause })
  }
}

const queryParameters = (query: string): Record<string, string> | undefined => {
  const found = new Map<string, string>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const [name = '', ...value] = pair.split('=')
    const key = decode(name.replaceAll('+', ' '))
    const text = decode(value.join('=').replaceAll('+', ' '))
    const before = found.get(key)
    found.set(key, before === undefined ? text : `${before},${text}`)
  }
  return found.size === 0 ? undefined : Object.fromEntries(found)
}

const gatewayHeaders = (
  given: PlainRequest['headers'],
): { headers: Record<string, string>; cookies: string[] | undefined } => {
  const headers: Record<string, string> = {}
  let cookies: string[] | undefined
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const values = typeof value === 'string' ? [value] : value
    const lower = name.toLowerCase()
    if (lower === 'cookie') {
      cookies = values.flatMap((line) => line.split(/;\s*/)).filter((cookie) => cookie !== '')
    } else {
      headers[lower] = Object.hasOwn(headers, lower) ? `${headers[lower]},${values.join(',')}` : values.join(',')
    }
  }
  return { headers, cookies }
}

const gatewayBody = (
  body: Buffer,
  contentType: string | undefined,
): Pick<APIGatewayProxyEventV2, 'body' | 'isBase64Encoded'> => {
  if (body.length === 0) return { isBase64Encoded: false }
  // Text that isn't UTF-8 would lose bytes as a string, but the function must get what was sent.
  const text = TEXT.test(contentType ?? '') ? utf8(body) : undefined
  if (text !== undefined) return { body: text, isBase64Encoded: false }
  return { body: body.toString('base64'), isBase64Encoded: true }
}

const utf8 = (body: Buffer): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

let lastSecond = 0
let lastTime = ''

/** `12/Mar/2020:19:03:58 +0000`. Cached, since thousands of requests may come in the same second. */
const gatewayTime = (at: Date): string => {
  const second = Math.floor(at.getTime() / 1_000)
  if (second === lastSecond) return lastTime
  const iso = at.toISOString()
  lastSecond = second
  lastTime = `${iso.slice(8, 10)}/${MONTHS[at.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
  return lastTime
}

const mapValues = (record: Record<string, string>, change: (value: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
