import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { App } from '../../../lib/app.ts'
import { readConfig } from '../../../lib/core/config.ts'
import { createLog } from '../../../lib/core/log.ts'
import type { HttpHandler } from '../../../lib/http/declaration.ts'
import { MAX_BODY_BYTES } from '../../../lib/http/route.ts'
import type { InvocationContext } from '../../../lib/invocation-context.ts'
import { localEnvironment, makeSecrets } from '../supervisor/local-config.ts'
import type { MountedRoute } from './gateway.ts'
import { createHttpServer, type HttpServerOptions } from './http-server.ts'

/** Nothing here asks a component: the functions are the tests' own. */
const app = (): App => {
  const nowhere = 'http://127.0.0.1:1/q'
  const stack = {
    postgres: { url: 'postgres://127.0.0.1:1/none' },
    sqsS3: {
      url: nowhere,
      region: 'eu-central-1',
      bucket: 'none',
      queueUrls: { default: nowhere, compute: nowhere, bulk: nowhere },
    },
    kafka: { address: '127.0.0.1:1' },
  }
  const config = readConfig(localEnvironment(stack, makeSecrets()))
  return { config, log: createLog('silent', 'test'), instance: 'test' } as App
}

const cors = {
  allowedOrigins: ['https://app.example'],
  allowedHeaders: ['authorization'],
  allowedMethods: ['GET', 'POST'],
  exposedResponseHeaders: ['x-request-id'],
  maxAgeSeconds: 600,
}

const echo: HttpHandler = async (event) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(event),
})

type Given = Partial<MountedRoute> & { route: string }

const serve = (...given: Given[]) => serveWith({}, ...given)

const serveWith = async (
  options: Pick<
    HttpServerOptions,
    'onUpgrade' | 'patience' | 'maxArrivingBytes' | 'connectionLimits' | 'trustedProxies'
  >,
  ...given: Given[]
) => {
  const routes = given.map(({ route, ...rest }) => {
    const [method = '', path = ''] = route.split(' ')
    return { method, path, functionName: 'things', timeoutSeconds: 10, handler: echo, ...rest }
  })
  const server = createHttpServer({ app: app(), routes, cors, ...options })
  const port = await server.listen(0, '127.0.0.1')
  onTestFinished(() => server.close(0))
  return { server, port, ask: (options: Ask) => ask(port, options) }
}

interface Ask extends RequestOptions {
  body?: string | Buffer
}

const ask = async (port: number, { body, ...options }: Ask) => {
  const request = httpRequest({ port, host: '127.0.0.1', agent: false, ...options })
  // A server that refuses a large body may close before all of it is sent.
  request.on('error', () => {})
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const answered = await text(response)
  return { status: response.statusCode, headers: response.headers, body: answered && JSON.parse(answered) }
}

/** Bytes on a bare connection, and all that comes back. */
const raw = async (port: number, bytes: string) => {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  const answer = await text(socket)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body: body && JSON.parse(body) }
}

test('a function is called with an event of API Gateway, payload format 2.0', async () => {
  const { ask } = await serve({ route: 'POST /things/{thingId}' })
  const { status, body } = await ask({
    method: 'POST',
    path: '/things/a%20b?x=1&x=2&y=%C3%BC',
    headers: { 'Content-Type': 'application/json', 'X-Thing': 'yes' },
    body: '{"a":1}',
  })
  const event = body as APIGatewayProxyEventV2
  expect(status).toBe(200)
  expect(event).toMatchObject({
    version: '2.0',
    routeKey: 'POST /things/{thingId}',
    rawPath: '/things/a%20b',
    rawQueryString: 'x=1&x=2&y=%C3%BC',
    queryStringParameters: { x: '1,2', y: 'ü' },
    pathParameters: { thingId: 'a b' },
    body: '{"a":1}',
    isBase64Encoded: false,
  })
  expect(event.headers).toMatchObject({ 'content-type': 'application/json', 'x-thing': 'yes' })
  expect(event.requestContext.http).toMatchObject({ method: 'POST', path: '/things/a%20b', sourceIp: '127.0.0.1' })
})

test('a function is given its context, with the time it has', async () => {
  let context: InvocationContext | undefined
  const { ask } = await serve({
    route: 'GET /things',
    timeoutSeconds: 7,
    handler: async (_, given) => {
      context = given
      return { statusCode: 204 }
    },
  })
  const { status, headers } = await ask({ path: '/things' })
  expect(status).toBe(204)
  expect(context?.functionName).toBe('things')
  expect(context?.awsRequestId).toBe(headers['x-request-id'])
  expect(context?.getRemainingTimeInMillis()).toBeGreaterThan(0)
  expect(context?.getRemainingTimeInMillis()).toBeLessThanOrEqual(7_000)
})

test('binary answers, cookies and headers leave as the function gave them', async () => {
  const { port } = await serve({
    route: 'GET /picture',
    handler: async () => ({
      statusCode: 201,
      headers: { 'content-type': 'image/png', location: '/x' },
      cookies: ['a=1', 'b=2; HttpOnly'],
      body: Buffer.from([0, 255, 1]).toString('base64'),
      isBase64Encoded: true,
    }),
  })
  const answer = await fetch(`http://127.0.0.1:${port}/picture`)
  expect(answer.status).toBe(201)
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2; HttpOnly'])
  expect(answer.headers.get('location')).toBe('/x')
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from([0, 255, 1]))
})

test('an unknown path is 404, a known one with another method 405 with what it allows', async () => {
  const { ask } = await serve({ route: 'GET /things' }, { route: 'POST /things' })
  expect(await ask({ path: '/other' })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  const refused = await ask({ method: 'DELETE', path: '/things' })
  expect(refused).toMatchObject({ status: 405, headers: { allow: 'GET, POST' }, body: { code: 'METHOD_NOT_ALLOWED' } })
  expect(refused.body.requestId).toBe(refused.headers['x-request-id'])
})

test('HEAD is answered with all but the body, and with the length that it would have', async () => {
  const { port, ask } = await serve({ route: 'GET /things' }, { route: 'HEAD /things' })
  const get = await raw(port, 'GET /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const head = await ask({ method: 'HEAD', path: '/things' })
  expect([get.body.requestContext.http.method, get.status]).toEqual(['GET', 200])
  expect([head.status, head.body, head.headers['content-type']]).toEqual([200, '', 'application/json'])
  expect(Number(head.headers['content-length'])).toBeGreaterThan(100)
})

test('an address that is not valid percent-encoding is 400, whether its path is known or not', async () => {
  const { ask } = await serve({ route: 'GET /things/{thingId}' })
  for (const path of ['/things/%zz', '/things/1?q=%', '/nowhere/%c3%28', '/things/%ff']) {
    expect(await ask({ path })).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } })
  }
})

test('an address in absolute form is served as a proxy sends it', async () => {
  const { port } = await serve({ route: 'GET /things' })
  const { status, body } = await raw(
    port,
    'GET http://a.example/things?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  expect(status).toBe(200)
  expect(body).toMatchObject({ rawPath: '/things', rawQueryString: 'x=1' })
})

test('an address that is neither a path nor of HTTP is 400', async () => {
  const { port } = await serve({ route: 'GET /' }, { route: 'GET /things' })
  const status = async (target: string) => {
    const answer = await raw(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    return answer.body.code ?? answer.status
  }
  expect([await status('http://a.example'), await status('http://a.example?x=1')]).toEqual([200, 200])
  expect([await status('ftp://evil/things'), await status('*')]).toEqual(['MALFORMED_REQUEST', 'MALFORMED_REQUEST'])
})

test('an expectation that nobody knows is 417, and no function is called', async () => {
  let calls = 0
  const { ask } = await serve({
    route: 'POST /things',
    handler: async () => {
      calls++
      return { statusCode: 204 }
    },
  })
  const refused = await ask({ method: 'POST', path: '/things', headers: { expect: 'foo' }, body: 'hi' })
  expect(refused).toMatchObject({ status: 417, body: { code: 'EXPECTATION_FAILED' } })
  expect(refused.body.requestId).toBe(refused.headers['x-request-id'])
  expect(calls).toBe(0)
})

test('a request of HTTP/1.1 without a Host is 400, one of HTTP/1.0 needs none', async () => {
  const { port } = await serve({ route: 'GET /things' })
  expect(await raw(port, 'GET /things HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatchObject({
    status: 400,
    body: { code: 'MALFORMED_REQUEST' },
  })
  expect((await raw(port, 'GET /things HTTP/1.0\r\n\r\n')).status).toBe(200)
})

test('a request that says twice where to, who asks or what it sends is 400, one whose other headers come twice is not', async () => {
  const { port } = await serve({ route: 'GET /things' })
  const status = async (headers: string) =>
    (await raw(port, `GET /things HTTP/1.1\r\nHost: x\r\n${headers}\r\nConnection: close\r\n\r\n`)).status
  for (const again of ['HOST: y', 'Authorization: a\r\nauthorization: a', 'Content-Type: a/b\r\nContent-type: c/d'])
    expect(await status(again), again).toBe(400)
  expect([await status('Accept: host\r\nAccept: host'), await status('Authorization: host')]).toEqual([200, 200])
})

test('a client that offers HTTP/2 is served as it asked, and only one that wants a WebSocket is handed over', async () => {
  const upgrades: string[] = []
  const onUpgrade: HttpServerOptions['onUpgrade'] = (request, socket) => {
    upgrades.push(`${request.headers.upgrade}`)
    socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
  }
  const { port } = await serveWith({ onUpgrade }, { route: 'POST /things' })
  const asking = (upgrade: string, connection: string) =>
    raw(
      port,
      `POST /things HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\nUpgrade: ${upgrade}\r\n` +
        'Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi',
    )
  const offered = await asking('h2c', 'Upgrade, HTTP2-Settings, close')
  expect(offered).toMatchObject({ status: 200, body: { body: 'hi' } })
  expect((await asking('WebSocket', 'Upgrade')).status).toBe(404)
  expect(upgrades).toEqual(['WebSocket'])
})

test('a body over the limit is refused by its declared length, before it is sent', async () => {
  const { port } = await serve({ route: 'POST /things' })
  const { status, body } = await raw(
    port,
    `POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
  )
  expect(status).toBe(413)
  expect(body.code).toBe('PAYLOAD_TOO_LARGE')
})

test('a client that asks first is told not to send a body over the limit', async () => {
  const { ask } = await serve({ route: 'POST /things' })
  const headers = { expect: '100-continue', 'content-length': MAX_BODY_BYTES + 1 }
  expect(await ask({ method: 'POST', path: '/things', headers })).toMatchObject({ status: 413 })
})

test('a body over the limit in chunks is refused while it is read, and the caller sees the answer', async () => {
  const { ask } = await serve({ route: 'POST /things' })
  const body = Buffer.alloc(MAX_BODY_BYTES * 3, 120)
  const headers = { 'transfer-encoding': 'chunked', 'content-type': 'text/plain' }
  const refused = await ask({ method: 'POST', path: '/things', headers, body })
  expect(refused).toMatchObject({ status: 413, headers: { connection: 'close' }, body: { code: 'PAYLOAD_TOO_LARGE' } })
})

test('a body of exactly the limit is taken', async () => {
  const { ask } = await serve({
    route: 'POST /things',
    handler: async (event) => ({ statusCode: 200, body: JSON.stringify({ length: event.body?.length }) }),
  })
  const body = Buffer.alloc(MAX_BODY_BYTES, 120)
  const answer = await ask({ method: 'POST', path: '/things', headers: { 'content-type': 'text/plain' }, body })
  expect(answer).toMatchObject({ status: 200, body: { length: MAX_BODY_BYTES } })
})

test('bodies that stop on their way are given up, the first one first, before they fill the memory', async () => {
  const { ask, port } = await serveWith({ maxArrivingBytes: 100_000 }, { route: 'POST /things' })
  const begin = async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /things HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 60000\r\n\r\n')
    await once(socket, 'data')
    return socket
  }
  const first = await begin()
  const second = await begin()
  const answers = [first, second].map((it) => text(it))
  first.write('x'.repeat(59_999))
  second.write('x'.repeat(59_999))
  expect(await answers[0]).toMatch(/^HTTP\/1.1 503 .*"code":"UNAVAILABLE"/s)
  expect((await ask({ method: 'POST', path: '/things', body: 'x'.repeat(40_000) })).status).toBe(200)
  second.end('x')
  expect(await answers[1]).toMatch(/^HTTP\/1.1 200 OK/)
})

test('a body that JSON would swell past what Lambda takes is refused', async () => {
  const { ask } = await serve({ route: 'POST /things' })
  const body = '"'.repeat(MAX_BODY_BYTES - 10)
  const answer = await ask({ method: 'POST', path: '/things', headers: { 'content-type': 'text/plain' }, body })
  expect(answer).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
})

test('an answer larger than Lambda gives is 500, as it would be there', async () => {
  const { ask } = await serve({
    route: 'GET /things',
    handler: async () => ({ statusCode: 200, body: 'x'.repeat(6 * 1024 * 1024) }),
  })
  expect(await ask({ path: '/things' })).toMatchObject({ status: 500, body: { code: 'INTERNAL' } })
})

test('headers over the gateway’s limit are 431', async () => {
  const { ask } = await serve({ route: 'GET /things' })
  const headers = { 'x-long': 'x'.repeat(11_000) }
  expect(await ask({ path: '/things', headers })).toMatchObject({ status: 431, body: { code: 'HEADERS_TOO_LARGE' } })
})

test('what is not HTTP is 400', async () => {
  const { port } = await serve({ route: 'GET /things' })
  expect(await raw(port, 'HELLO\r\n\r\n')).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } })
})

test('a request whose headers or body do not come to their end is 408', async () => {
  const patience = { headersMs: 50, requestMs: 100, checkMs: 20, stillMs: 60_000 }
  const { port } = await serveWith({ patience }, { route: 'POST /things' })
  const head = 'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 10'
  for (const slow of [head, `${head}\r\n\r\nhalf`])
    expect(await raw(port, slow)).toMatchObject({ status: 408, body: { code: 'REQUEST_TIMEOUT' } })
})

test('a caller who reads nothing of an answer does not keep the connection for ever', async () => {
  const called = Promise.withResolvers<void>()
  // More than the system takes for a caller who doesn't read.
  const handler: HttpHandler = async () => {
    called.resolve()
    return { statusCode: 200, body: 'x'.repeat(5_500_000) }
  }
  const patience = { headersMs: 60_000, requestMs: 60_000, checkMs: 60_000, stillMs: 100 }
  const { server, port } = await serveWith({ patience }, { route: 'GET /things', handler })
  const socket = connect(port, '127.0.0.1').pause()
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write('GET /things HTTP/1.1\r\nHost: x\r\n\r\n')
  await called.promise
  // Resolves when no connection is left, and cuts none off itself.
  await server.close(600_000)
})

test('what is not HTTP behind whole requests is refused when these are answered, in their order', async () => {
  const held = Promise.withResolvers<void>()
  const handler: HttpHandler = async () => {
    await held.promise
    return { statusCode: 200, body: '{}' }
  }
  const { port } = await serve({ route: 'GET /things', handler }, { route: 'POST /things' })
  const things = 'GET /things HTTP/1.1\r\nHost: x\r\n\r\n'
  for (const rest of [
    'HELLO\r\n\r\n',
    'POST /things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n',
  ]) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${things}${things}${rest}`)
    const answer = text(socket)
    // More of the same changes nothing.
    socket.write('HELLO\r\n\r\n')
    setImmediate(held.resolve)
    expect((await answer).match(/(?<=HTTP\/1\.1 )\d+/g)).toEqual(['200', '200', '400'])
  }
})

test('requests that are sent ahead are served one at a time, and none when the caller has left', async () => {
  const served: string[] = []
  const held = Promise.withResolvers<void>()
  const handler: HttpHandler = async ({ rawPath }) => {
    served.push(rawPath)
    if (rawPath === '/things/held') await held.promise
    return { statusCode: 200, body: JSON.stringify(rawPath) }
  }
  const { port, ask } = await serve({ route: 'GET /things/{name}', handler })
  const get = (name: string, more = '') => `GET /things/${name} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  const soon = (what: () => void) => vi.waitFor(what, { timeout: 30_000 })

  const leaver = connect(port, '127.0.0.1')
  leaver.write(get('held') + get('unserved') + get('unserved'))
  await soon(() => expect(served).toEqual(['/things/held']))
  leaver.destroy()
  for (const name of ['a', 'b']) expect(await ask({ path: `/things/${name}` })).toMatchObject({ status: 200 })

  const socket = connect(port, '127.0.0.1')
  const answers = text(socket)
  socket.write(get('held') + get('second') + get('third', 'Connection: close\r\n'))
  await soon(() => expect(served.slice(3)).not.toEqual([]))
  expect(served.slice(3)).toEqual(['/things/held'])
  held.resolve()
  expect((await answers).match(/\/things\/\w+(?=")/g)).toEqual(['/things/held', '/things/second', '/things/third'])
  expect(served.slice(3)).toEqual(['/things/held', '/things/second', '/things/third'])
})

test('of requests that are sent ahead no more are read than can wait, and all are answered', async () => {
  const held = Promise.withResolvers<void>()
  const handler: HttpHandler = async () => {
    await held.promise
    return { statusCode: 204 }
  }
  const { port } = await serve({ route: 'GET /things', handler })
  const request = `GET /things HTTP/1.1\r\nHost: x\r\nPadding: ${'x'.repeat(8_000)}\r\n\r\n`
  const all = 5_000
  const socket = connect(port, '127.0.0.1')
  const answers = text(socket)
  for (let n = 1; n < all; n++) socket.write(request)
  socket.end(request.replace('Padding', 'Connection: close\r\nPadding'))

  // What was read is what has left here, but for what the kernel holds: far less than the 40 MB.
  const left: number[] = []
  const isStill = () => left.push(socket.writableLength) > 1 && left.at(-1) === left.at(-2)
  await vi.waitUntil(isStill, { timeout: 30_000, interval: 500 })
  expect(left.at(-1)).toBeGreaterThan(request.length * 1_000)
  held.resolve()
  expect((await answers).match(/^HTTP\/1\.1 204 /gm)).toHaveLength(all)
})

test('a function that throws is 500 without its reasons', async () => {
  const { ask } = await serve({ route: 'GET /things', handler: () => Promise.reject(new Error('secret')) })
  const { status, body } = await ask({ path: '/things' })
  expect(status).toBe(500)
  expect(JSON.stringify(body)).not.toContain('secret')
})

test('a function that takes longer than its time is a 503 that asks for another try', async () => {
  const { ask } = await serve({ route: 'GET /things', timeoutSeconds: 0.05, handler: () => new Promise(() => {}) })
  const headers = { 'retry-after': '1' }
  expect(await ask({ path: '/things' })).toMatchObject({ status: 503, headers, body: { code: 'UNAVAILABLE' } })
})

test('a function has 30 s for an answer, as behind API Gateway, however long it may run', async () => {
  const handler: MountedRoute['handler'] = async (_, context) => ({ body: `${context.getRemainingTimeInMillis()}` })
  const { ask } = await serve({ route: 'GET /things', timeoutSeconds: 900, handler })
  expect(Number((await ask({ path: '/things' })).body)).toBeLessThanOrEqual(30_000)
})

test('pages of allowed origins may call and read, those of others may not', async () => {
  const { ask } = await serve({ route: 'GET /things' })
  const asked = { 'access-control-request-method': 'GET' }
  const allowed = await ask({
    method: 'OPTIONS',
    path: '/things',
    headers: { origin: 'https://app.example', ...asked },
  })
  expect(allowed.status).toBe(204)
  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': 'https://app.example',
    'access-control-allow-methods': 'GET,POST',
    'access-control-allow-headers': 'authorization',
    'access-control-max-age': '600',
  })
  const refused = await ask({
    method: 'OPTIONS',
    path: '/things',
    headers: { origin: 'https://evil.example', ...asked },
  })
  expect(refused.headers['access-control-allow-origin']).toBeUndefined()

  const answer = await ask({ path: '/things', headers: { origin: 'https://app.example' } })
  expect(answer.headers).toMatchObject({
    'access-control-allow-origin': 'https://app.example',
    'access-control-expose-headers': 'x-request-id',
  })
  // An error, too, must be readable by the page that caused it.
  const missing = await ask({ path: '/nowhere', headers: { origin: 'https://app.example' } })
  expect(missing.headers['access-control-allow-origin']).toBe('https://app.example')
  expect((await ask({ path: '/things' })).headers['access-control-allow-origin']).toBeUndefined()
})

test('a caller that hangs up in its body calls no function, and leaves the server as it was', async () => {
  let calls = 0
  const { port, ask } = await serve({
    route: 'POST /things',
    handler: async () => {
      calls++
      return { statusCode: 204 }
    },
  })
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
  socket.end()
  await once(socket.resume(), 'close')
  expect((await ask({ method: 'POST', path: '/things' })).status).toBe(204)
  expect(calls).toBe(1)
})

test('closing answers who is being served, and then refuses connections', async () => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const { server, port } = await serve({
    route: 'GET /things',
    handler: async () => {
      begun.resolve()
      await release.promise
      return { statusCode: 200, body: '{}' }
    },
  })
  const answer = fetch(`http://127.0.0.1:${port}/things`)
  await begun.promise
  const closed = server.close(10_000)
  release.resolve()
  expect((await answer).status).toBe(200)
  expect((await answer).headers.get('connection')).toBe('close')
  await closed
  await expect(fetch(`http://127.0.0.1:${port}/things`)).rejects.toThrow()
})

test('closing cuts off who is still served when its grace is over', async () => {
  const begun = Promise.withResolvers<void>()
  const { server, port } = await serve({
    route: 'GET /things',
    handler: () => {
      begun.resolve()
      return new Promise(() => {})
    },
  })
  const answer = fetch(`http://127.0.0.1:${port}/things`)
  const failed = expect(answer).rejects.toThrow()
  await begun.promise
  await server.close(10)
  await failed
})

test('a port that is taken is an error', async () => {
  const { port } = await serve({ route: 'GET /things' })
  const second = createHttpServer({ app: app(), routes: [], cors })
  await expect(second.listen(port, '127.0.0.1')).rejects.toThrow(/EADDRINUSE/)
})

test('an answer that HTTP cannot carry costs its caller the connection, and nobody else anything', async () => {
  const { ask, port } = await serve(
    { route: 'GET /broken', handler: async () => ({ statusCode: 200, headers: { location: 'a\nb' } }) },
    { route: 'GET /things' },
  )
  await expect(fetch(`http://127.0.0.1:${port}/broken`)).rejects.toThrow()
  expect((await ask({ path: '/things' })).status).toBe(200)
})

test('one connection too many is told so, while all others are busy', async () => {
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const handler: HttpHandler = async () => {
    asked.resolve()
    await answered.promise
    return { statusCode: 204 }
  }
  const { port, ask } = await serveWith(
    { connectionLimits: { ofAll: 1, ofAddress: 1 } },
    { route: 'GET /slow', handler },
  )
  const slow = ask({ path: '/slow' })
  await asked.promise
  const refusal = {
    status: 503,
    body: { code: 'UNAVAILABLE', detail: 'Too many connections are open, all of them busy.' },
  }
  expect(await raw(port, '')).toMatchObject(refusal)
  answered.resolve()
  expect(await slow).toMatchObject({ status: 204 })
})

test('callers behind a proxy are told apart if it is trusted, and not by the word of a stranger', async () => {
  const headers = { 'x-forwarded-for': '192.0.2.1, 198.51.100.7' }
  const callerBehind = async (trustedProxies: string[]) => {
    const { ask } = await serveWith({ trustedProxies }, { route: 'GET /things' })
    return (await ask({ path: '/things', headers })).body.requestContext.http.sourceIp
  }
  expect(await callerBehind(['127.0.0.0/8'])).toBe('198.51.100.7')
  expect(await callerBehind(['10.0.0.0/8'])).toBe('127.0.0.1')
})
