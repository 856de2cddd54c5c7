import { once } from 'node:events'
import { Agent, createServer, get, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { App } from '../../../lib/app.ts'
import { createLog } from '../../../lib/core/log.ts'
import { createApiGateway } from '../../../lib/live/api-gateway.ts'
import { socket as declare, type SocketRequest } from '../../../lib/live/socket.ts'
import { createHttpServer } from '../http/http-server.ts'
import { createConnections } from './connections.ts'
import { startConnectionsApi } from './connections-api.ts'
import { createSocketServer } from './socket-server.ts'

/** A host with functions of the test's own, and what they were called with. */
const serve = async (given: { connect?: () => Promise<undefined>; message?: () => Promise<void> } = {}) => {
  const calls: (Omit<SocketRequest, 'app'> & { route: string })[] = []
  const record = (route: string, { app: _, ...request }: SocketRequest) => void calls.push({ route, ...request })
  const handlers = [
    declare('$connect', async (request) => {
      record('$connect', request)
      return given.connect?.()
    }),
    declare('$disconnect', async (request) => {
      record('$disconnect', request)
      return undefined
    }),
    declare('$default', async (request) => {
      record('$default', request)
      await given.message?.()
      return { heard: request.body }
    }),
  ]
  const app = { log: createLog('silent', 'test'), instance: 'test', config: { region: 'eu-central-1' } } as App
  const connections = createConnections()
  const api = await startConnectionsApi(connections)
  const sockets = createSocketServer({
    app,
    connections,
    sockets: handlers.map((handler) => ({ route: handler.route, functionName: 'talk', timeoutSeconds: 5, handler })),
  })
  const cors = {
    allowedOrigins: [],
    allowedHeaders: [],
    allowedMethods: [],
    exposedResponseHeaders: [],
    maxAgeSeconds: 0,
  }
  const http = createHttpServer({ app, routes: [], cors, onUpgrade: sockets.upgrade })
  const port = await http.listen(0, '127.0.0.1')
  const stop = async () => {
    await sockets.close()
    await http.close(100)
    await api.close()
  }
  onTestFinished(stop)
  const gateway = createApiGateway({ region: 'eu-central-1', url: api.url })
  onTestFinished(() => gateway.end())
  return { calls, connections, gateway, api, sockets, url: `ws://127.0.0.1:${port}/live` }
}

const open = async (url: string): Promise<WebSocket> => {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  return socket
}
const refusalOf = async (url: string): Promise<string> => {
  const [error] = (await once(new WebSocket(url), 'error')) as [Error]
  return error.message
}

test('a connection’s opening, messages and end reach the functions, and answers go back', async () => {
  const { calls, url } = await serve()
  const socket = await open(`${url}?ticket=a%20b`)
  socket.send('hello')
  const [answer] = await once(socket, 'message')
  expect(JSON.parse(String(answer))).toEqual({ heard: 'hello' })
  socket.close()
  await expect.poll(() => calls).toHaveLength(3)
  expect(calls.map(({ route, query, body }) => [route, query, body])).toEqual([
    ['$connect', { ticket: 'a b' }, ''],
    ['$default', {}, 'hello'],
    ['$disconnect', {}, ''],
  ])
  expect(new Set(calls.map(({ connectionId }) => connectionId)).size).toBe(1)
})

test('a function that throws lets nobody in, no other address is a WebSocket, and one that can’t be read is 400', async () => {
  const refusing = await serve({ connect: () => Promise.reject(new Error('no')) })
  expect(await refusalOf(refusing.url)).toContain('500')
  expect(refusing.connections.all()).toEqual([])
  const { url } = await serve()
  expect(await refusalOf(url.replace('/live', '/jobs'))).toContain('404')
  expect(await refusalOf(`${url}?ticket=%E0%A4%A`)).toContain('400')
})

test('a client that is let in nowhere keeps no connection by not closing its half', async () => {
  const { url } = await serve()
  const { port, hostname } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  const ended = new Promise<string>((resolve) => {
    socket.on('error', () => {})
    socket.on('close', () => resolve('ended'))
  })
  socket.write('GET /jobs HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
  socket.resume()
  await once(socket, 'end')
  // What comes to a connection that is no more is answered with a reset.
  const knock = setInterval(() => socket.write('x'), 10)
  onTestFinished(() => clearInterval(knock))
  expect(await ended).toBe('ended')
})

test('one whose request is no handshake is let in nowhere, and the functions hear of its end', async () => {
  const { url, calls, connections } = await serve()
  const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '99' }
  const [answer] = await once(request(url.replace('ws:', 'http:'), { headers }).end(), 'response')
  expect(answer.statusCode).toBe(400)
  await expect.poll(() => calls).toHaveLength(2)
  expect(calls.map(({ route }) => route)).toEqual(['$connect', '$disconnect'])
  expect(connections.all()).toEqual([])
})

test('one that the functions let in while the host stops is let in nowhere, and they hear of its end', async () => {
  const open = Promise.withResolvers<undefined>()
  const { url, calls, connections, sockets } = await serve({ connect: () => open.promise })
  const refusal = refusalOf(url)
  await expect.poll(() => calls).toHaveLength(1)
  const closed = sockets.close()
  open.resolve(undefined)
  expect(await refusal).toContain('503')
  await closed
  await expect.poll(() => calls.map(({ route }) => route)).toEqual(['$connect', '$disconnect'])
  expect(connections.all()).toEqual([])
})

test('@connections posts, ends, and says gone of what it doesn’t know', async () => {
  const { connections, gateway, url } = await serve()
  const socket = await open(url)
  const id = connections.all()[0]?.id ?? ''
  const message = once(socket, 'message')
  expect(await gateway.post(id, '{"ä":1}')).toBe('sent')
  expect(String((await message)[0])).toBe('{"ä":1}')
  await expect(gateway.post(id, 'x'.repeat(128 * 1024 + 1))).rejects.toMatchObject({ name: 'PayloadTooLargeException' })
  const closed = once(socket, 'close')
  await gateway.close(id)
  await closed
  await expect.poll(() => connections.all()).toHaveLength(0)
  expect(await gateway.post(id, 'x')).toBe('gone')
  await gateway.close(id)
  expect(await gateway.post('../%2F?', 'x')).toBe('gone')
})

test('@connections that is slow to answer, since the machine is busy, cuts no client off', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const asked = Promise.withResolvers<ServerResponse>()
  const server = createServer((_, response) => asked.resolve(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const gateway = createApiGateway({
    region: 'eu-central-1',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  })
  onTestFinished(() => {
    gateway.end()
    server.close()
  })
  const posted = gateway.post('one', '{}').catch((error: Error) => error.message)
  const response = await asked.promise
  vi.advanceTimersByTime(10_000)
  response.end()
  expect(await posted).toBe('sent')
})

test('@connections keeps a client’s idle connections for longer than a busy machine stands still', async () => {
  const { api } = await serve()
  const [answer] = await once(
    get(`${api.url}/@connections/none`, { agent: new Agent({ keepAlive: true }) }),
    'response',
  )
  expect(answer.resume().headers['keep-alive']).toBe('timeout=65')
})

test('a message of more than 32 KB ends the connection', async () => {
  const { url } = await serve()
  const socket = await open(url)
  socket.send('x'.repeat(32 * 1024))
  await once(socket, 'message')
  socket.send('x'.repeat(32 * 1024 + 1))
  const [code] = await once(socket, 'close')
  expect(code).toBe(1_009)
})

test('of a connection that sends thousands of messages at once one is answered at a time, and no more are read', async () => {
  const first = Promise.withResolvers<void>()
  let under = 0
  let most = 0
  const message = async (): Promise<void> => {
    most = Math.max(most, ++under)
    await first.promise
    under--
  }
  const { url, calls, connections } = await serve({ message })
  const socket = await open(url)
  const heard: string[] = []
  socket.on('message', (data) => void heard.push(JSON.parse(String(data)).heard))
  const sent = Array.from({ length: 5_000 }, (_, i) => String(i))
  for (const text of sent) socket.send(text)
  await expect.poll(() => calls).toHaveLength(2)
  expect(connections.all()[0]?.socket.isPaused).toBe(true)
  first.resolve()
  await expect.poll(() => heard.length).toBe(sent.length)
  expect({ heard, most }).toEqual({ heard: sent, most: 1 })
  expect(connections.all()[0]?.socket.isPaused).toBe(false)
})

test('idle for ten minutes, or after two hours, a connection is ended', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { url, connections } = await serve()
  const [idle, busy] = [await open(url), await open(url)]
  const ends: string[] = []
  idle.on('close', () => void ends.push('idle'))
  busy.on('close', (code) => void ends.push(`busy ${code}`))
  const busyId = connections.all()[1]?.id ?? ''
  for (let minutes = 0; minutes < 12; minutes += 3) {
    vi.advanceTimersByTime(180_000)
    connections.send(busyId, '{}')
  }
  await expect.poll(() => ends).toHaveLength(1)
  for (let minutes = 12; minutes < 121; minutes += 3) {
    vi.advanceTimersByTime(180_000)
    connections.send(busyId, '{}')
  }
  await expect.poll(() => ends).toHaveLength(2)
  expect(ends).toEqual(['idle', 'busy 1001'])
})

test('a host that stops ends every connection, and the functions hear of it', async () => {
  const { url, calls, sockets } = await serve()
  const socket = await open(url)
  const closed = once(socket, 'close')
  await sockets.close()
  expect((await closed)[0]).toBe(1_001)
  expect(calls.map(({ route }) => route)).toEqual(['$connect', '$disconnect'])
  expect(await refusalOf(url)).toContain('503')
})
