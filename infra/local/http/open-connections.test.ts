import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createIsProxy } from './caller.ts'
import { type ConnectionLimits, limitConnections } from './open-connections.ts'

/** A server that answers when the test says so, and connections to it. */
const serve = async (limits: ConnectionLimits, trustedProxies: string[] = []) => {
  const asked: { path: string | undefined; response: ServerResponse }[] = []
  const server = createServer((request, response) => {
    markBusy(request.socket, response)
    if (request.url === '/slow') asked.push({ path: request.url, response })
    else response.end('quick')
  })
  const markBusy = limitConnections(server, limits, {
    isProxy: createIsProxy(trustedProxies),
    refuse: (socket) => {
      socket.write('full')
      socket.destroySoon()
    },
  })
  server.on('upgrade', (_, socket) => {
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy()).resume()
    socket.write('upgraded')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const { response } of asked) response.destroy()
    server.closeAllConnections()
    server.close()
  })
  const open = async (localAddress = '127.0.0.1'): Promise<Socket> => {
    const accepted = once(server, 'connection')
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', localAddress })
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    await Promise.all([accepted, once(socket, 'connect')])
    return socket
  }
  const askSlowly = async (socket: Socket): Promise<void> => {
    const already = asked.length
    socket.write(request('/slow'))
    await expect.poll(() => asked.length).toBe(already + 1)
  }
  return { open, asked, askSlowly }
}

const request = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`

/** Whether with an error or without. */
const ended = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))

const ask = async (socket: Socket, bytes = request('/quick')): Promise<string> => {
  const answer = once(socket, 'data')
  socket.write(bytes)
  return String((await answer)[0])
}

test('one connection too many takes the place of the one that has been idle the longest', async () => {
  const { open } = await serve({ ofAll: 9, ofAddress: 2 })
  const [first, second] = [await open(), await open()]
  await ask(first)
  await ask(second)
  await ask(first)
  const gone = ended(second)
  const third = await open()
  await gone
  expect([await ask(first), await ask(third)]).toEqual([expect.stringContaining('200'), expect.stringContaining('200')])
})

test('one whose request has not come whole counts as idle', async () => {
  const { open } = await serve({ ofAll: 9, ofAddress: 1 })
  const slow = await open()
  slow.write('GET / HTTP/1.1\r\nHost:')
  const gone = ended(slow)
  const next = await open()
  await gone
  expect(await ask(next)).toContain('200')
})

test('where all are busy, the next is refused, until one of them is idle again', async () => {
  const { open, asked, askSlowly } = await serve({ ofAll: 9, ofAddress: 1 })
  const busy = await open()
  await askSlowly(busy)
  await askSlowly(busy)
  expect(await text(await open())).toBe('full')
  const first = once(busy, 'data')
  asked[0]?.response.end('first')
  await first
  expect(await text(await open())).toBe('full')
  const second = once(busy, 'data')
  asked[1]?.response.end('second')
  await second
  const gone = ended(busy)
  expect(await ask(await open())).toContain('200')
  await gone
})

test('a connection that was taken over, by a WebSocket, is never idle', async () => {
  const { open } = await serve({ ofAll: 9, ofAddress: 1 })
  const socket = await open()
  expect(await ask(socket, request('/', 'Connection: upgrade\r\nUpgrade: x\r\n'))).toBe('upgraded')
  expect(await text(await open())).toBe('full')
  socket.destroy()
  // The server hears of that a little later.
  await expect.poll(async () => ask(await open()).catch(() => 'closed')).toContain('200')
})

test('an address that has its share takes nothing from another, and all together have no more than all may', async () => {
  const { open, askSlowly } = await serve({ ofAll: 3, ofAddress: 2 })
  const mine = [await open(), await open()]
  for (const socket of mine) await askSlowly(socket)
  const other = await open('127.0.0.2')
  expect(await text(await open())).toBe('full')
  await askSlowly(other)
  expect(await text(await open('127.0.0.3'))).toBe('full')
})

test('a proxy may open as many as all callers together', async () => {
  const { open } = await serve({ ofAll: 2, ofAddress: 1 }, ['127.0.0.1'])
  const [first, second] = [await open(), await open()]
  expect(await ask(second)).toContain('quick')
  expect(await ask(first)).toContain('quick')
})
