import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import type { App } from '../app.ts'
import { invalidField, StintError } from '../core/errors.ts'
import { createS3Files } from '../files/s3.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { noTraces } from '../tracing/traces.ts'
import type { Route } from './declaration.ts'
import { resource } from './resource.ts'
import { MAX_BODY_BYTES, plain, route } from './route.ts'

const setup = (given: Partial<InvocationContext> = {}) => {
  const log = { error: vi.fn() }
  const metrics = { count: vi.fn(), observe: vi.fn() }
  const context = { app: { log, metrics, traces: noTraces } as unknown as App, ...given } as InvocationContext
  const call = async (handler: Route | ReturnType<typeof resource>, given: Partial<APIGatewayProxyEventV2> = {}) => {
    const answer = await handler(
      {
        version: '2.0',
        headers: {},
        isBase64Encoded: false,
        requestContext: {
          requestId: 'r-1',
          http: { sourceIp: '192.0.2.7', method: 'GET', path: given.rawPath ?? '/' },
        },
        ...given,
      } as APIGatewayProxyEventV2,
      context,
    )
    return { ...answer, json: answer.body && !answer.isBase64Encoded ? JSON.parse(answer.body) : undefined }
  }
  return { log, metrics, call }
}

const json = (body: unknown): Partial<APIGatewayProxyEventV2> => ({
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
})

const echo = route({
  method: 'POST',
  path: '/echo/{thingId}',
  summary: 'Says what it was given',
  actor: 'anyone',
  params: z.object({ thingId: z.uuid() }),
  query: z.object({ times: z.coerce.number().int().default(1) }),
  body: z.strictObject({ text: z.string(), more: z.array(z.strictObject({ n: z.int() })).optional() }),
  replies: { 200: z.record(z.string(), z.unknown()) },
  run: async ({ params, query, body, ip, requestId }) => ({
    status: 200,
    body: { params, query, body, ip, requestId },
  }),
})
const thingId = '01890a5d-ac96-774b-bcce-b302099a8057'
const pathParameters = { thingId }

const answering = (run: () => Promise<never>) =>
  route({ method: 'GET', path: '/', summary: 'Fails', actor: 'anyone', replies: { 204: plain('Nothing') }, run })

const again = route({
  method: 'POST',
  path: '/again',
  summary: 'Needs nothing',
  actor: 'anyone',
  body: z.strictObject({ fromStart: z.boolean().default(false) }),
  replies: { 200: z.record(z.string(), z.unknown()) },
  run: async ({ body }) => ({ status: 200, body }),
})

describe('a route', () => {
  test('takes no body where none of its fields is needed', async () => {
    const { call } = setup()
    expect(await call(again)).toMatchObject({ statusCode: 200, json: { fromStart: false } })
    const empty = { headers: { 'content-type': 'application/json' }, body: '' }
    expect(await call(again, empty)).toMatchObject({ statusCode: 200, json: { fromStart: false } })
    expect(await call(again, { body: '{"fromStart": true}' })).toMatchObject({ statusCode: 415 })
    expect(await call(echo, { pathParameters })).toMatchObject({ statusCode: 415 })
  })

  test('gives its run what was declared, parsed, and answers in JSON that is not stored anywhere', async () => {
    const { call } = setup()
    const answer = await call(echo, { ...json({ text: 'hi' }), pathParameters, queryStringParameters: { times: '3' } })
    expect(answer.statusCode).toBe(200)
    expect(answer.json).toEqual({
      params: { thingId },
      query: { times: 3 },
      body: { text: 'hi' },
      ip: '192.0.2.7',
      requestId: 'r-1',
    })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  test('answers with security headers and the id of the request, when it fails too', async () => {
    const { call } = setup()
    for (const answer of [await call(echo, { ...json({ text: 'hi' }), pathParameters }), await call(echo)]) {
      expect(answer.headers).toMatchObject({
        'x-request-id': 'r-1',
        'X-Content-Type-Options': 'nosniff',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      })
    }
  })

  test("keeps the policy that a page's run gives, and has no second one", async () => {
    const page = route({
      method: 'GET',
      path: '/',
      summary: 'A page',
      actor: 'anyone',
      replies: { 200: plain('A page', 'text/html') },
      run: async () => ({ status: 200, headers: { 'content-security-policy': "default-src 'self'" }, body: '1' }),
    })
    const { headers } = await setup().call(page)
    const policies = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() === 'content-security-policy')
    expect(policies).toEqual([['content-security-policy', "default-src 'self'"]])
  })

  test.for([undefined, {}, { thingId: '1' }, { thingId: `${thingId}'--` }, { thingId: '' }])(
    'answers 404 to the path parameters %j, which name nothing',
    async (given) => {
      const answer = await setup().call(echo, { ...json({ text: 'hi' }), ...(given && { pathParameters: given }) })
      expect(answer).toMatchObject({ statusCode: 404, json: { code: 'NOT_FOUND', errors: [{ path: 'thingId' }] } })
    },
  )

  test.for([
    [{}, ['text']],
    [{ text: 1 }, ['text']],
    [{ text: 'a', extra: true }, ['extra']],
    [{ text: 'a', more: [{ n: 1 }, { n: 'x', m: 2 }] }, ['more[1].n', 'more[1].m']],
    [[], ['']],
    [null, ['']],
    [3, ['']],
  ] as const)('names what is wrong with the body %j', async ([body, paths]) => {
    const answer = await setup().call(echo, { ...json(body), pathParameters })
    expect(answer).toMatchObject({ statusCode: 422, json: { code: 'VALIDATION_FAILED' } })
    expect(answer.json.errors.map(({ path }: { path: string }) => path)).toEqual(paths)
  })

  test.for(['', ' '])('takes “%s” in the query for no number, and for 0 least of all', async (times) => {
    const given = { ...json({ text: 'hi' }), pathParameters, queryStringParameters: { times } }
    expect(await setup().call(echo, given)).toMatchObject({
      statusCode: 422,
      json: { detail: expect.stringContaining('times: must be a number'), errors: [{ path: 'times' }] },
    })
  })

  test.for(['0x10', ' 10', '1e1', '1.0', '+1', '١', 'ten'])(
    'takes “%s” in the query for no number: only decimal digits are one',
    async (times) => {
      const given = { ...json({ text: 'hi' }), pathParameters, queryStringParameters: { times } }
      expect(await setup().call(echo, given)).toMatchObject({
        statusCode: 422,
        json: { errors: [{ path: 'times', message: `must be a whole number, not ${JSON.stringify(times)}` }] },
      })
    },
  )

  test('takes decimal digits in the query for a number', async () => {
    for (const [times, number] of [
      ['10', 10],
      ['-3', -3],
      ['007', 7],
    ] as const) {
      const given = { ...json({ text: 'hi' }), pathParameters, queryStringParameters: { times } }
      expect(await setup().call(echo, given)).toMatchObject({ statusCode: 200, json: { query: { times: number } } })
    }
  })

  test('names a hundred of the fields that are wrong, says how many there are, and repeats no long name', async () => {
    const { call } = setup()
    const unknown = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key${index}`, 0]))
    const many = await call(echo, { ...json({ text: 'hi', ...unknown }), pathParameters })
    expect(many).toMatchObject({ statusCode: 422, json: { code: 'VALIDATION_FAILED' } })
    expect(many.json.errors).toHaveLength(100)
    expect(many.json.detail).toBe(
      'The body is invalid: key0: this field is not known here (100000 errors; the first 100 are named)',
    )
    const long = await call(echo, { ...json({ text: 'hi', ['\0😀'.repeat(300_000)]: 0 }), pathParameters })
    expect(long.statusCode).toBe(422)
    expect(long.body?.length).toBeLessThan(10_000)
    const unfit = await call(echo, { ...json({ more: Array(100_000).fill('\0') }), pathParameters })
    expect(unfit).toMatchObject({ statusCode: 422, json: { errors: { length: 100 } } })
    expect(unfit.json.detail).toContain('100000 errors')
  })

  test.for([
    [{ times: 'many' }, 'times'],
    [{ tymes: '1' }, 'tymes'],
    [{ times: '1\0' }, 'times'],
    [{ times: '\ud800' }, 'times'],
  ] as const)('names what is wrong with the query %j', async ([queryStringParameters, path]) => {
    const answer = await setup().call(echo, { ...json({ text: 'hi' }), pathParameters, queryStringParameters })
    expect(answer).toMatchObject({ statusCode: 422, json: { errors: [expect.objectContaining({ path })] } })
  })

  test('takes a body of 4 MiB and no byte more', async () => {
    const { call } = setup()
    const body = (bytes: number) => JSON.stringify({ text: 'x'.repeat(bytes - 11) })
    const send = (bytes: number) => call(echo, { ...json({}), body: body(bytes), pathParameters })
    expect(body(MAX_BODY_BYTES).length).toBe(MAX_BODY_BYTES)
    expect((await send(MAX_BODY_BYTES)).statusCode).toBe(200)
    expect(await send(MAX_BODY_BYTES + 1)).toMatchObject({ statusCode: 413, json: { code: 'PAYLOAD_TOO_LARGE' } })
  })

  test.for([
    ['gzip', 415],
    ['identity', 200],
  ] as const)('takes bodies as they are: with content-encoding %s it answers %i', async ([encoding, status]) => {
    const given = json({ text: 'hi' })
    const headers = { ...given.headers, 'content-encoding': encoding }
    expect(await setup().call(echo, { ...given, headers, pathParameters })).toMatchObject({ statusCode: status })
  })

  test('asks for a token where its declaration does', async () => {
    const mine = route({
      method: 'GET',
      path: '/mine',
      summary: 'Mine',
      actor: 'user',
      replies: { 204: plain('Nothing') },
      run: async () => ({ status: 204 }),
    })
    const answer = await setup().call(mine)
    expect(answer).toMatchObject({ statusCode: 401, json: { code: 'UNAUTHENTICATED' } })
    expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer' })
  })
})

describe('a raw body', () => {
  const upload = route({
    method: 'POST',
    path: '/',
    summary: 'Takes bytes',
    actor: 'anyone',
    body: { raw: { contentTypes: ['image/*', 'text/csv'], maxBytes: 4 } },
    replies: { 200: plain('What came', 'application/octet-stream') },
    run: async ({ body }) => ({ status: 200, headers: { 'content-type': body.contentType }, body: body.bytes }),
  })
  const send = (type: string | undefined, bytes: Buffer) =>
    setup().call(upload, { headers: { 'content-type': type }, body: bytes.toString('base64'), isBase64Encoded: true })

  test('comes through byte by byte, with its type', async () => {
    const bytes = Buffer.from([0, 255, 0xd8, 10])
    const answer = await send('Image/PNG; q=1', bytes)
    expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: true, body: bytes.toString('base64') })
    expect(answer.headers).toMatchObject({ 'content-type': 'image/png' })
  })

  test.for([undefined, '', 'image', 'application/json', 'ximage/png', 'text/csvx'])(
    'is refused as %s',
    async (type) => {
      expect(await send(type, Buffer.from('a'))).toMatchObject({ json: { code: 'UNSUPPORTED_MEDIA_TYPE' } })
    },
  )

  test('is refused when it is compressed, and not kept as if it were what its type says', async () => {
    const headers = { 'content-type': 'text/csv', 'content-encoding': 'gzip' }
    const answer = await setup().call(upload, { headers, body: 'H4sI', isBase64Encoded: true })
    expect(answer).toMatchObject({ json: { code: 'UNSUPPORTED_MEDIA_TYPE', detail: expect.stringContaining('gzip') } })
  })

  test('is refused past its limit', async () => {
    expect(await send('text/csv', Buffer.alloc(5))).toMatchObject({
      statusCode: 413,
      json: { code: 'PAYLOAD_TOO_LARGE' },
    })
  })
})

describe('a failure', () => {
  test('repeats no more than a thousand characters of what it was given', async () => {
    const answer = await setup().call(
      answering(() => {
        throw invalidField('after[0]', `no job is named ${'x'.repeat(100_000)}`)
      }),
    )
    expect(answer.json.detail).toHaveLength(1_000)
    expect(answer.body?.length).toBeLessThan(3_000)
  })

  test('that is catalogued shows itself as a problem document', async () => {
    const { call, log } = setup()
    const answer = await call(
      answering(() => {
        throw new StintError('JOB_ENDED', 'The job is failed.', { headers: { 'x-more': '1' } })
      }),
    )
    expect(answer.json).toEqual({
      type: '/docs#JOB_ENDED',
      title: 'The job has already ended',
      status: 409,
      detail: 'The job is failed.',
      code: 'JOB_ENDED',
      requestId: 'r-1',
    })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json', 'x-more': '1' })
    expect(log.error).not.toHaveBeenCalled()
  })

  test('of any other kind is a bare 500, and the log has the rest', async () => {
    const { call, log } = setup()
    const error = new Error('password=hunter2')
    const answer = await call(answering(() => Promise.reject(error)))
    expect(answer).toMatchObject({ statusCode: 500, json: { code: 'INTERNAL' } })
    expect(answer.body).not.toContain('hunter2')
    expect(log.error).toHaveBeenCalledWith({ err: error, requestId: 'r-1' }, expect.any(String))
  })

  test('to find a valid configuration is a bare 500, and standard error has what is wrong with it', async () => {
    vi.stubEnv('DATABASE_URL', 'none of yours')
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => {
      vi.unstubAllEnvs()
      printed.mockRestore()
    })
    const answer = await setup({ app: undefined as unknown as App }).call(again)
    expect(answer).toMatchObject({ statusCode: 500, json: { code: 'INTERNAL', requestId: 'r-1' } })
    expect(answer.body).not.toContain('DATABASE_URL')
    expect(printed).toHaveBeenCalledWith(
      { err: expect.objectContaining({ message: expect.stringContaining('DATABASE_URL') }), requestId: 'r-1' },
      expect.any(String),
    )
  })

  test('to be done before the function’s time is over is a 503 that asks for another try', async () => {
    const { call } = setup({ getRemainingTimeInMillis: () => 0 })
    const answer = await call(answering(() => new Promise(() => {})))
    expect(answer).toMatchObject({ statusCode: 503, json: { code: 'UNAVAILABLE' }, headers: { 'retry-after': '1' } })
  })

  test('to reach a component is a 503 that asks for another try', async () => {
    const lost = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' })
    const answer = await setup().call(answering(() => Promise.reject(lost)))
    expect(answer).toMatchObject({ statusCode: 503, json: { code: 'UNAVAILABLE' } })
    expect(answer.headers).toMatchObject({ 'retry-after': '1' })
    expect(answer.body).not.toContain('10.0.0.1')
  })

  test.for([
    ['40P01', 'deadlock detected'],
    ['55P03', 'canceling statement due to lock timeout'],
    ['57014', 'canceling statement due to statement timeout'],
  ])('that PostgreSQL gave up by %s is a 503 that asks for another try', async ([code, message]) => {
    const givenUp = Object.assign(new Error(message), { code })
    const answer = await setup().call(answering(() => Promise.reject(givenUp)))
    expect(answer).toMatchObject({ statusCode: 503, json: { code: 'UNAVAILABLE' }, headers: { 'retry-after': '1' } })
  })

  test('of a database without room is a 503 that says so', async () => {
    const full = Object.assign(new Error('could not extend file'), { code: '53100' })
    const answer = await setup().call(answering(() => Promise.reject(full)))
    const json = { code: 'UNAVAILABLE', detail: 'The database has no room left on its disk.' }
    expect(answer).toMatchObject({ statusCode: 503, json, headers: { 'retry-after': '1' } })
  })

  test('of a file store that is broken is a 503 too', async () => {
    const broken = createServer((_, response) => response.writeHead(500).end('{"code":"ENOSPC"}'))
    onTestFinished(() => void broken.close().closeAllConnections())
    await once(broken.listen(0, '127.0.0.1'), 'listening')
    const { port } = broken.address() as AddressInfo
    const files = createS3Files({ region: 'eu-central-1', bucket: 'a', endpoint: `http://127.0.0.1:${port}` })
    const answer = await setup().call(answering(() => files.put('a', Buffer.from('a'), 'text/plain') as Promise<never>))
    files.close()
    expect(answer).toMatchObject({ statusCode: 503, json: { code: 'UNAVAILABLE' }, headers: { 'retry-after': '1' } })
  })
})

test('a resource answers a route that it does not have with a 404', async () => {
  expect(await setup().call(resource([echo]), { rawPath: '/nowhere' })).toMatchObject({
    statusCode: 404,
    json: { code: 'NOT_FOUND' },
  })
})
