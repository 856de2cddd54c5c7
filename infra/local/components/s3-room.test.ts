import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Room, refuseWithoutRoom, roomIn } from './s3-room.ts'

/** A store that answers when the test says so, with this much room. */
const serve = async (room: Room) => {
  const asked: ServerResponse[] = []
  const server = createServer((_, response) => asked.push(response))
  refuseWithoutRoom(server, () => room)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const put = (headers: Record<string, string | number>, method = 'PUT') => {
    const sent = request({ port, host: '127.0.0.1', method, headers, agent: false })
    const status = once(sent, 'response').then(([answer]) => (answer as IncomingMessage).resume().statusCode)
    status.catch(() => {})
    sent.on('error', () => {})
    sent.flushHeaders()
    return { sent, status }
  }
  return { asked, put }
}

test.for([
  ['disk', { disk: 10, memory: 99 }],
  ['memory', { disk: 99, memory: 10 }],
])('an object that there is no %s for is refused, with those that are on their way', async ([, room]) => {
  const { asked, put } = await serve(room as Room)
  const first = put({ 'content-length': 6 })
  await expect.poll(() => asked.length).toBe(1)
  expect(await put({ 'content-length': 5 }).status).toBe(503)
  const second = put({ 'content-length': 4 })
  await expect.poll(() => asked.length).toBe(2)
  first.sent.end('object')
  asked[0]?.end()
  expect(await first.status).toBe(200)
  second.sent.destroy()
  // The server hears of both ends a little later.
  await expect
    .poll(() => {
      put({ 'content-length': 10 })
      return asked.length
    })
    .toBe(3)
})

test('what is no object is not weighed', async () => {
  const { asked, put } = await serve({ disk: 0, memory: 0 })
  put({ 'content-length': 5 }, 'POST')
  await expect.poll(() => asked.length).toBe(1)
})

test('the room of a folder is told in bytes', () => {
  const { disk, memory } = roomIn('.')
  expect([Number.isInteger(disk), memory > 1024 ** 2]).toEqual([true, true])
})
