import middy from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import httpSecurityHeaders from '@middy/http-security-headers'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { z } from 'zod'
import { appOfProcess } from '../app.ts'
import { type Actor, authenticate, requireScope } from '../auth/actor.ts'
import { cut } from '../core/cut.ts'
import { FieldErrors, invalidFields, StintError } from '../core/errors.ts'
import { readableErrors } from '../core/readable-errors.ts'
import type { InvocationContext } from '../invocation-context.ts'
import type {
  AnyDeclaration,
  Declaration,
  HttpHandler,
  Method,
  Path,
  PlainReply,
  RawBody,
  Route,
} from './declaration.ts'
import { mayBeLeftOut, readJsonBody } from './json-body.ts'
import { measured } from './measured.ts'
import { fieldErrors, toProblem } from './problem.ts'

/** JSON bodies and raw bodies alike: Lambda takes 6 MB of event, and base64 makes a third more of it. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024

export const plain = (description: string, contentType?: string): PlainReply => ({
  plain: { description, ...(contentType && { contentType }) },
})

/**
 * Declares one route. Validation, types, the OpenAPI document and the local host's table follow from the declaration; `run`
 * does the work.
 *
 * @example
 * export const get = route({
 *   method: 'GET', path: '/jobs/{jobId}', summary: 'One job', actor: 'user',
 *   params: z.object({ jobId: z.uuid() }), replies: { 200: jobReply }, errors: ['JOB_NOT_FOUND'],
 *   run: async ({ app, actor, params }) => ({ status: 200, body: { job: … } }),
 * })
 */
export const route = <
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | RawBody | undefined,
  const R extends Record<number, z.ZodType | PlainReply>,
  const A extends 'anyone' | 'user',
  const M extends Method,
  const At extends Path,
>(
  declaration: Declaration<P, Q, B, R, A, M, At>,
): Route<{ method: M; path: At; params: P; query: Q; body: B; replies: R }> => {
  const checked = declaration as unknown as AnyDeclaration
  // Unknown query parameters are refused, unless the declaration allows them, as pages do.
  const declaredQuery = checked.query ?? z.object({})
  const querySchema = declaredQuery.def.catchall ? declaredQuery : declaredQuery.strict()
  const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, InvocationContext>({
    timeoutEarlyResponse: refuseLate,
  })
    .use(httpHeaderNormalizer())
    .use(httpSecurityHeaders(SECURITY_HEADERS))
    .use({ after: addOwnHeaders, onError: answerProblem(checked) })
    .handler(async (event, context) => {
      const app = context.app ?? (await appOfProcess())
      const ip = event.requestContext.http.sourceIp
      const given = { authorization: event.headers['authorization'], ip }
      const actor = await authenticate(app, given, checked.actor)
      requireScope(actor, checked.scope)
      const params = parseParams(checked.params, event)
      const query = parseQuery(querySchema, event)
      const body = parseBody(checked, event)
      const reply = await checked.run({
        app,
        actor: actor as Actor,
        params,
        query,
        body: body as never,
        headers: event.headers,
        cookies: event.cookies ?? [],
        ip,
        requestId: event.requestContext.requestId,
        trace: context.trace,
      })
      return respond(reply as WireReply)
    })
  return Object.assign(measured(checked, handler as unknown as HttpHandler), { declaration: checked })
}

/** The function's time is nearly over, for example because a component doesn't answer at all. */
const refuseLate = (): never => {
  throw new StintError('UNAVAILABLE', 'The request took longer than it may.')
}

/** Policies for documents are off or our own: JSON answers show nothing, and a page's `run` gives its own policy. */
const SECURITY_HEADERS = {
  // Pictures come from S3, which sends no headers of ours.
  crossOriginEmbedderPolicy: { policy: 'credentialless' },
  contentSecurityPolicy: false,
  permissionsPolicy: false,
  reportTo: false,
  reportingEndpoints: false,
} as const
const SHOWS_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

interface WireReply {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

interface MiddyRequest {
  event: APIGatewayProxyEventV2
  context: InvocationContext
  response: APIGatewayProxyStructuredResultV2 | null | undefined
  error: Error | null | undefined
}

const addOwnHeaders = ({ event, response }: MiddyRequest): void => {
  if (!response?.headers) return
  response.headers['x-request-id'] = event.requestContext.requestId
  response.headers['content-security-policy'] ??= SHOWS_NOTHING
}

const answerProblem =
  ({ tellProblem }: AnyDeclaration) =>
  async (request: MiddyRequest): Promise<void> => {
    const { requestId } = request.event.requestContext
    const app = request.context.app ?? (await appOfProcess().catch(() => undefined))
    // Without a valid configuration there is no log, and that is the error.
    request.response = toProblem(request.error, requestId, app?.log ?? console)
    // Failures on our side keep their status, for clients and proxies that retry.
    const told =
      tellProblem &&
      (request.response.statusCode ?? 0) < 500 &&
      tellProblem(JSON.parse(`${request.response.body}`), bytesOf(request.event))
    if (told) request.response = respond({ status: 200, ...told })
    addOwnHeaders(request)
  }

const parseParams = (
  schema: z.ZodObject | undefined,
  event: APIGatewayProxyEventV2,
): Record<string, unknown> | undefined => {
  if (!schema) return undefined
  const parsed = schema.safeParse(event.pathParameters ?? {}, readableErrors(event.pathParameters ?? {}))
  // A malformed id gets the same answer as one that doesn't exist.
  if (!parsed.success)
    throw new StintError('NOT_FOUND', 'The address holds a malformed id.', { errors: fieldErrors(parsed.error).list })
  return parsed.data
}

const parseQuery = (schema: z.ZodObject, event: APIGatewayProxyEventV2): Record<string, unknown> => {
  const given = event.queryStringParameters ?? {}
  const unfit = Object.entries(given).filter(([, value]) => value?.includes('\0') || value?.isWellFormed() === false)
  if (unfit.length > 0) {
    const errors = unfit.map(([path]) => ({ path, message: 'text may not hold NUL characters or lone surrogates' }))
    throw new StintError('VALIDATION_FAILED', 'The query holds text that cannot be stored.', { errors })
  }
  const errors = new FieldErrors()
  for (const [name, text = ''] of Object.entries(given))
    if (isNumber(schema.shape[name]) && !/^-?\d+$/.test(text)) errors.add([name], notInDigits(text))
  if (errors.list.length > 0) throw invalidFields('The query is invalid: ', errors)
  return validate(schema, given, 'query') as Record<string, unknown>
}

/** JavaScript would take nothing at all, `?last=`, for 0, and `0x10`, ` 10` and `1e1` for numbers, too. */
const notInDigits = (text: string): string =>
  text.trim() === '' ? 'must be a number, and is empty' : `must be a whole number, not ${JSON.stringify(cut(text, 40))}`

const isNumber = (schema: unknown): boolean =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodOptional
    ? isNumber(schema.unwrap())
    : schema instanceof z.ZodNumber

const parseBody = ({ method, body: declared }: AnyDeclaration, event: APIGatewayProxyEventV2): unknown => {
  if (!declared) return undefined
  refuseEncoded(event)
  if ('raw' in declared) return readRawBody(declared, event)
  const given = isEmpty(event) && mayBeLeftOut(method, declared) ? {} : readJsonBody(event, MAX_BODY_BYTES)
  return validate(declared, given, 'body')
}

const isEmpty = ({ body }: APIGatewayProxyEventV2): boolean => body === undefined || body === ''

/** Otherwise a compressed file would be stored compressed, under a wrong content type. */
const refuseEncoded = ({ headers }: APIGatewayProxyEventV2): void => {
  const encoding = headers['content-encoding'] ?? ''
  if (encoding === '' || encoding.toLowerCase() === 'identity') return
  throw new StintError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Bodies are taken as they are, and not with the content-encoding ${encoding}.`,
  )
}

const validate = (schema: z.ZodType, value: unknown, where: string): unknown => {
  const parsed = schema.safeParse(value, readableErrors(value))
  if (parsed.success) return parsed.data
  throw invalidFields(`The ${where} is invalid: `, fieldErrors(parsed.error), where)
}

const readRawBody = ({ raw }: RawBody, event: APIGatewayProxyEventV2): { bytes: Buffer; contentType: string } => {
  const contentType = event.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
  const accepted = raw.contentTypes.some(
    (type) => type === contentType || (type.endsWith('/*') && contentType.startsWith(type.slice(0, -1))),
  )
  if (!accepted) {
    throw new StintError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Expected one of ${raw.contentTypes.join(', ')}, got ${contentType || 'none'}.`,
    )
  }
  const bytes = bytesOf(event)
  if (bytes.length > raw.maxBytes) throw new StintError('PAYLOAD_TOO_LARGE', `The body may have ${raw.maxBytes} bytes.`)
  return { bytes, contentType }
}

const bytesOf = ({ body = '', isBase64Encoded }: APIGatewayProxyEventV2): Buffer =>
  Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')

const respond = ({ status, headers = {}, body }: WireReply): APIGatewayProxyStructuredResultV2 => {
  if (body === undefined) return { statusCode: status, headers }
  if (Buffer.isBuffer(body))
    return { statusCode: status, headers, body: body.toString('base64'), isBase64Encoded: true }
  if (typeof body === 'string') return { statusCode: status, headers, body }
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  }
}
