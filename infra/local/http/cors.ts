import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { Cors } from '../host/routing-table.ts'

type Headers = Record<string, string>

/** The headers that the gateway adds to answers for pages of other origins: the functions know nothing of CORS. */
export const corsHeaders = (cors: Cors, origin: string | undefined): Headers | undefined => {
  const allowed = allowedOrigin(cors, origin)
  if (allowed === undefined) return undefined
  return {
    'access-control-allow-origin': allowed,
    'access-control-expose-headers': cors.exposedResponseHeaders.join(','),
    ...(allowed !== '*' && { vary: 'origin' }),
  }
}

/** The answer to a preflight request, which the gateway gives without calling a function. */
export const preflight = (cors: Cors, headers: Headers): APIGatewayProxyStructuredResultV2 => {
  const allowed = allowedOrigin(cors, headers['origin'])
  if (allowed === undefined || headers['access-control-request-method'] === undefined) return { statusCode: 204 }
  return {
    statusCode: 204,
    headers: {
      'access-control-allow-origin': allowed,
      'access-control-allow-methods': cors.allowedMethods.join(','),
      'access-control-allow-headers': cors.allowedHeaders.join(','),
      'access-control-max-age': String(cors.maxAgeSeconds),
      ...(allowed !== '*' && { vary: 'origin' }),
    },
  }
}

const allowedOrigin = (cors: Cors, origin: string | undefined): string | undefined => {
  if (origin === undefined) return undefined
  if (cors.allowedOrigins.includes('*')) return '*'
  return cors.allowedOrigins.includes(origin) ? origin : undefined
}
