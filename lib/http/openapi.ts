import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'
import { CATALOGUE, type ErrorCode } from '../core/errors.ts'
import type { AnyDeclaration, PlainReply, RawBody, Route } from './declaration.ts'
import { ALWAYS, GIVEN, type Header, OF_PROBLEMS, TAKEN } from './headers.ts'
import { mayBeLeftOut } from './json-body.ts'
import { exampleOf } from './openapi-example.ts'
import { createSchemas, type JsonSchema } from './openapi-schemas.ts'
import { problemSchema } from './problem.ts'

export interface MediaType {
  schema: JsonSchema
  example?: unknown
  examples?: Record<string, { summary: string; value: unknown }>
}
export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description?: string
  schema: JsonSchema
}
export interface Response {
  description: string
  headers: Record<string, Header>
  content?: Record<string, MediaType>
}
export interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  security: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { required: boolean; description?: string; content: Record<string, MediaType> }
  responses: Record<string, Response>
}
export interface OpenApiDocument {
  openapi: '3.1.1'
  info: { title: string; version: string; description?: string; license: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, JsonSchema>
    securitySchemes: Record<string, { type: 'http'; scheme: 'bearer'; bearerFormat: string; description: string }>
  }
}

export interface About {
  title: string
  version: string
  description?: string
  /** The resource under which a route is shown; its first path segment if not given. */
  tagOf?: (route: Route) => string
}

type Schemas = ReturnType<typeof createSchemas>

/** The API's description (OpenAPI 3.1), from the routes' declarations alone. The same routes give the same document. */
export const openApiDocument = (routes: readonly Route[], about: About): OpenApiDocument => {
  const { tagOf = (route) => route.declaration.path.split('/')[1] || 'system', ...info } = about
  const schemas = createSchemas()
  const paths: OpenApiDocument['paths'] = {}
  for (const route of routes) {
    const { method, path } = route.declaration
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = operation(route.declaration, tagOf(route), schemas)
  }
  const settled = schemas.settle(paths)
  addExamples(settled.document, settled.components)
  return {
    openapi: '3.1.1',
    info: { ...info, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths: settled.document,
    components: {
      schemas: settled.components,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The accessToken of POST /auth/login.',
        },
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'stk_…',
          description: 'The secret of POST /projects/{projectId}/api-keys. Writing scopes include reading.',
        },
      },
    },
  }
}

/** The errors that a declaration implies, and those that it names. */
export const errorsOf = (declaration: AnyDeclaration): ErrorCode[] => {
  const { actor, params, body, errors = [] } = declaration
  const json: ErrorCode[] = body && !isRaw(body) ? ['MALFORMED_JSON'] : []
  const anyBody: ErrorCode[] = body ? ['UNSUPPORTED_MEDIA_TYPE'] : []
  return [
    ...new Set<ErrorCode>([
      // The gateway's, whatever is asked for.
      'MALFORMED_REQUEST',
      'REQUEST_TIMEOUT',
      'PAYLOAD_TOO_LARGE',
      'HEADERS_TOO_LARGE',
      'EXPECTATION_FAILED',
      ...(actor === 'user' ? (['UNAUTHENTICATED', 'SCOPE_MISSING'] as const) : []),
      ...(params ? (['NOT_FOUND'] as const) : []),
      ...json,
      ...anyBody,
      // Everywhere: a query that a route doesn't know is refused by name.
      'VALIDATION_FAILED',
      ...errors,
      'INTERNAL',
      'UNAVAILABLE',
    ]),
  ]
}

/**
 * `GET /jobs/{jobId}/events` → getJobEvents: a collection is singular where one of it is meant, and what has no plural
 * says of what: `GET /dashboard/{page}` → getDashboardPage.
 */
export const operationIdOf = ({ method, path }: Pick<AnyDeclaration, 'method' | 'path'>): string => {
  const segments = path.split('/').filter(Boolean)
  const words = segments.flatMap((segment, index) => {
    const before = segments[index - 1] ?? ''
    if (segment.startsWith('{')) return singular(before) === before ? [segment.slice(1, -1)] : []
    const one = segments[index + 1]?.startsWith('{') ?? false
    return (one ? singular(segment) : segment).split(/[^A-Za-z0-9]+/).filter(Boolean)
  })
  return [method.toLowerCase(), ...words.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('')
}

const singular = (word: string): string => word.replace(/ies$/, 'y').replace(/s$/, '')

const operation = (declaration: AnyDeclaration, tag: string, schemas: Schemas): Operation => {
  const { summary, description, body } = declaration
  const operationId = operationIdOf(declaration)
  const parameters = [
    ...parametersOf(declaration.params, 'path', operationId, schemas),
    ...parametersOf(declaration.query, 'query', operationId, schemas),
    ...(declaration.takes ?? []).map((name) => ({ name, in: 'header' as const, required: false, ...TAKEN[name] })),
  ]
  requirePathParameters(declaration, parameters)
  return {
    operationId,
    summary,
    ...(description && { description }),
    tags: [tag],
    security: securityOf(declaration),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBody(declaration, body, operationId, schemas) }),
    responses: responses(declaration, operationId, schemas),
  }
}

/** Either will do. What stands behind `apiKey` is the scope that the key needs. */
const securityOf = ({ actor, scope }: AnyDeclaration): Operation['security'] => {
  if (actor === 'anyone') return []
  return scope ? [{ bearer: [] }, { apiKey: [scope] }] : [{ bearer: [] }]
}

const requirePathParameters = ({ method, path }: AnyDeclaration, parameters: Parameter[]): void => {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
  const declared = parameters.filter((it) => it.in === 'path').map((it) => it.name)
  if (inPath.toSorted().join() !== declared.toSorted().join())
    throw new Error(`${method} ${path} declares the params [${declared}], and its path has [${inPath}]`)
}

const parametersOf = (
  schema: z.ZodObject | undefined,
  where: 'path' | 'query',
  operationId: string,
  schemas: Schemas,
): Parameter[] => {
  if (!schema) return []
  const object = schemas.of(schema, 'input', operationId)
  const required = (object['required'] ?? []) as string[]
  return Object.entries(object['properties'] as Record<string, JsonSchema>).map(([name, { description, ...it }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(typeof description === 'string' && { description }),
    schema: it,
  }))
}

const requestBody = (
  { method }: AnyDeclaration,
  body: z.ZodType | RawBody,
  operationId: string,
  schemas: Schemas,
): NonNullable<Operation['requestBody']> => {
  if (!isRaw(body)) {
    return {
      required: !mayBeLeftOut(method, body),
      content: { 'application/json': { schema: schemas.of(body, 'input', operationId) } },
    }
  }
  const { contentTypes, maxBytes } = body.raw
  const content = contentTypes.map((type) => [type, { schema: bytesAs(type) }] as const)
  return { required: true, description: `At most ${maxBytes} bytes.`, content: Object.fromEntries(content) }
}

/** JSON that is taken as bytes may be of any type. */
const bytesAs = (contentType: string): JsonSchema =>
  contentType.endsWith('json') ? { format: 'binary' } : { type: 'string', format: 'binary' }

const responses = (declaration: AnyDeclaration, operationId: string, schemas: Schemas): Operation['responses'] => {
  const made: Operation['responses'] = {}
  const given = Object.fromEntries((declaration.gives ?? []).map((name) => [name, GIVEN[name]]))
  for (const [status, reply] of Object.entries(declaration.replies)) {
    const content = isPlain(reply)
      ? reply.plain.contentType && { [reply.plain.contentType]: { schema: plainSchema(reply.plain.contentType) } }
      : { 'application/json': { schema: schemas.of(reply, 'output', operationId) } }
    made[status] = {
      description: isPlain(reply) ? reply.plain.description : (STATUS_CODES[status] ?? status),
      headers: { ...ALWAYS, ...given },
      ...(content && { content }),
    }
  }
  const byStatus = Map.groupBy(errorsOf(declaration), (code) => CATALOGUE[code][0])
  for (const [status, codes] of byStatus) {
    const declared = made[status]
    made[status] = {
      description: [declared?.description, ...codes.map((code) => CATALOGUE[code][1])].filter(Boolean).join(' · '),
      headers: { ...ALWAYS, ...declared?.headers, ...OF_PROBLEMS[status] },
      content: { ...declared?.content, 'application/problem+json': problem(status, codes, operationId, schemas) },
    }
  }
  return made
}

const problem = (status: number, codes: ErrorCode[], operationId: string, schemas: Schemas): MediaType => ({
  schema: {
    allOf: [
      schemas.of(problemSchema, 'output', operationId),
      // With their types, and an enum for the one status: generators that merge the two would leave out the answer.
      { properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: codes } } },
    ],
  },
  examples: Object.fromEntries(
    codes.map((code) => [code, { summary: CATALOGUE[code][1], value: problemExample(code) }]),
  ),
})

const problemExample = (code: ErrorCode) => ({
  type: `/docs#${code}`,
  title: CATALOGUE[code][1],
  status: CATALOGUE[code][0],
  detail: CATALOGUE[code][1],
  code,
  requestId: 'JKJaXmPLvHcESHA=',
  ...(code === 'VALIDATION_FAILED' && { errors: [{ path: 'name', message: 'this field is not known here' }] }),
})

/** Examples need the named schemas, which are complete only when every route was seen. */
const addExamples = (paths: OpenApiDocument['paths'], components: Record<string, JsonSchema>): void => {
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const answers = Object.values(operation.responses).map(({ content }) => content?.['application/json'])
    for (const json of [jsonBodyOf(operation), ...answers]) {
      if (json && Object.keys(json.schema).length > 0) json.example = exampleOf(json.schema, components)
    }
  }
}

/** What an operation takes as JSON that it reads: a file of that type is a raw body. */
export const jsonBodyOf = ({ requestBody }: Operation): MediaType | undefined => {
  const media = requestBody?.content['application/json']
  return media?.schema['format'] === 'binary' ? undefined : media
}

const plainSchema = (contentType: string): JsonSchema => (contentType.includes('json') ? {} : { type: 'string' })

const isRaw = (body: z.ZodType | RawBody): body is RawBody => 'raw' in body
const isPlain = (reply: z.ZodType | PlainReply): reply is PlainReply => 'plain' in reply
