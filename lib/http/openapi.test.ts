import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Route } from './declaration.ts'
import { errorsOf, openApiDocument, operationIdOf } from './openapi.ts'
import { plain, route } from './route.ts'
import { id, page, pageOf } from './schemas.ts'

const none: never[] = []
const about = { title: 'Shop', version: '1.2.3' }

const thing = z.object({ id, name: z.string(), size: z.int().default(1) }).meta({ id: 'Thing' })

const get = route({
  method: 'GET',
  path: '/things/{thingId}',
  summary: 'One thing',
  actor: 'user',
  scope: 'files:read',
  params: z.object({ thingId: id }),
  replies: { 200: z.object({ thing }) },
  errors: ['FILE_NOT_FOUND'],
  run: async () => ({ status: 200, body: { thing: { id: '', name: '' } } }),
})
const list = route({
  method: 'GET',
  path: '/things',
  summary: 'Things',
  actor: 'user',
  query: z.object({ ...page, like: z.string().optional().meta({ description: 'A part of the name.' }) }),
  replies: { 200: pageOf(thing) },
  run: async () => ({ status: 200, body: { items: none, nextCursor: null } }),
})
const create = route({
  method: 'POST',
  path: '/things',
  summary: 'Make a thing',
  actor: 'anyone',
  body: thing,
  takes: ['prefer'],
  replies: { 201: z.object({ thing }), 204: plain('Nothing new') },
  gives: ['location'],
  run: async () => ({ status: 204 }),
})
const upload = route({
  method: 'PUT',
  path: '/things/{thingId}/picture',
  summary: 'Its picture',
  actor: 'user',
  params: z.object({ thingId: id }),
  body: { raw: { contentTypes: ['image/*'], maxBytes: 10 } },
  replies: { 204: plain('Stored') },
  run: async () => ({ status: 204 }),
})

describe('the OpenAPI document', () => {
  const document = openApiDocument([get, list, create, upload], about)

  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test('is the same for the same routes', () => {
    expect(JSON.stringify(openApiDocument([get, list, create, upload], about))).toBe(JSON.stringify(document))
  })

  test('gives a named shape two names when what comes in and what goes out differ', () => {
    expect(Object.keys(document.components.schemas)).toEqual(['Problem', 'Thing', 'ThingInput'])
    expect(document.components.schemas['Thing']?.['required']).toEqual(['id', 'name', 'size'])
    expect(document.components.schemas['ThingInput']?.['required']).toEqual(['id', 'name'])
    expect(document.paths['/things']?.['post']?.requestBody?.content['application/json']?.schema).toEqual({
      $ref: '#/components/schemas/ThingInput',
    })
  })

  test('tells of an answer that is a problem in types that merge with what all problems are', () => {
    const { schema } =
      document.paths['/things/{thingId}']?.get?.responses['404']?.content?.['application/problem+json'] ?? {}
    expect(schema?.['allOf']).toEqual([
      { $ref: '#/components/schemas/Problem' },
      {
        properties: {
          status: { type: 'integer', enum: [404] },
          code: { type: 'string', enum: expect.arrayContaining(['FILE_NOT_FOUND']) },
        },
      },
    ])
  })

  test('refuses two shapes of one name', () => {
    const other = route({
      method: 'GET',
      path: '/others',
      summary: 'Others',
      actor: 'anyone',
      replies: { 200: z.object({ other: z.boolean() }).meta({ id: 'Thing' }).array() },
      run: async () => ({ status: 200, body: none }),
    })
    expect(() => openApiDocument([get, other], about)).toThrow(/two schemas have the id "Thing"|already exists/)
  })

  test('shows query and path as parameters, with defaults and descriptions', () => {
    expect(document.paths['/things']?.['get']?.parameters).toEqual([
      {
        name: 'limit',
        in: 'query',
        required: false,
        schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
      },
      { name: 'cursor', in: 'query', required: false, schema: { type: 'string', maxLength: 200 } },
      { name: 'like', in: 'query', required: false, description: 'A part of the name.', schema: { type: 'string' } },
    ])
    expect(document.paths['/things/{thingId}']?.['get']?.parameters).toEqual([
      { name: 'thingId', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
    ])
  })

  test('refuses a path whose parameters are not declared', () => {
    const forgotten = route({
      method: 'GET',
      path: '/things/{thingId}/{part}',
      summary: 'A part',
      actor: 'anyone',
      params: z.object({ thingId: id }),
      replies: { 204: plain('Nothing') },
      run: async () => ({ status: 204 }),
    })
    expect(() => openApiDocument([forgotten], about)).toThrow(
      'declares the params [thingId], and its path has [thingId,part]',
    )
  })

  test('names the scope with which an API key will do', () => {
    expect(document.paths['/things/{thingId}']?.['get']?.security).toEqual([{ bearer: [] }, { apiKey: ['files:read'] }])
  })

  test('asks for a token where the declaration does', () => {
    expect(document.paths['/things']?.['get']?.security).toEqual([{ bearer: [] }])
    expect(document.paths['/things']?.['post']?.security).toEqual([])
  })

  test('takes raw bodies by their content type', () => {
    expect(document.paths['/things/{thingId}/picture']?.['put']?.requestBody?.content).toEqual({
      'image/*': { schema: { type: 'string', format: 'binary' } },
    })
  })

  test('gives each status the codes that it can have', () => {
    const responses = document.paths['/things/{thingId}']?.['get']?.responses ?? {}
    expect(Object.keys(responses)).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '408',
      '413',
      '417',
      '422',
      '431',
      '500',
      '503',
    ])
    expect(Object.keys(responses['404']?.content?.['application/problem+json']?.examples ?? {})).toEqual([
      'NOT_FOUND',
      'FILE_NOT_FOUND',
    ])
  })

  test('shows the headers that a route takes and gives, and those of its problems', () => {
    const responses = document.paths['/things']?.['post']?.responses ?? {}
    expect(document.paths['/things']?.['post']?.parameters).toMatchObject([{ name: 'prefer', in: 'header' }])
    expect(Object.keys(responses['201']?.headers ?? {})).toEqual(['x-request-id', 'location'])
    expect(Object.keys(responses['422']?.headers ?? {})).toEqual(['x-request-id'])
    expect(Object.keys(responses['503']?.headers ?? {})).toEqual(['x-request-id', 'retry-after'])
  })

  test('shows an example of each JSON body', () => {
    expect(document.paths['/things']?.['post']?.requestBody?.content['application/json']?.example).toEqual({
      id: '01890a5d-ac96-774b-bcce-b302099a8057',
      name: 'text',
    })
  })
})

test('a declaration implies the errors of its parts', () => {
  const codes = (it: Route) => errorsOf(it.declaration).toSorted()
  const every = [
    'EXPECTATION_FAILED',
    'HEADERS_TOO_LARGE',
    'INTERNAL',
    'MALFORMED_REQUEST',
    'PAYLOAD_TOO_LARGE',
    'REQUEST_TIMEOUT',
    'UNAVAILABLE',
    'VALIDATION_FAILED',
  ]
  expect(codes(create)).toEqual([...every, 'MALFORMED_JSON', 'UNSUPPORTED_MEDIA_TYPE'].toSorted())
  expect(codes(list)).toEqual([...every, 'SCOPE_MISSING', 'UNAUTHENTICATED'].toSorted())
})

test.for([
  ['GET', '/jobs', 'getJobs'],
  ['GET', '/jobs/{jobId}', 'getJob'],
  ['GET', '/jobs/{jobId}/events', 'getJobEvents'],
  ['GET', '/dashboard/{page}', 'getDashboardPage'],
  ['PUT', '/projects/{projectId}/members/{userId}', 'putProjectMember'],
  ['GET', '/device-models/{modelId}/serial-numbers', 'getDeviceModelSerialNumbers'],
  ['GET', '/.well-known/jwks.json', 'getWellKnownJwksJson'],
] as const)('%s %s is called %s', ([method, path, name]) => {
  expect(operationIdOf({ method, path })).toBe(name)
})
