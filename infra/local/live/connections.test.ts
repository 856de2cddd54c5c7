import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { createConnections } from './connections.ts'

const MEGABYTE = 1024 * 1024

/** This many connections whose clients have left this much unread, and what became of them. */
const holding = (count: number, bufferedAmount: number) => {
  const connections = createConnections()
  const ends: string[] = []
  for (let i = 0; i < count; i++) {
    const id = String(i)
    const socket = { bufferedAmount, send: () => ends.push('sent'), terminate: () => ends.push('ended') }
    connections.add({ id, lastActiveAt: new Date(), socket: socket as unknown as WebSocket })
  }
  return { connections, ends }
}

test('a client may leave 8 MB unread, and is ended when there is more', () => {
  const { connections, ends } = holding(1, 8 * MEGABYTE)
  expect(connections.send('0', 'x')).toBe(true)
  const late = holding(1, 8 * MEGABYTE + 1)
  expect(late.connections.send('0', 'x')).toBe(false)
  expect([...ends, ...late.ends]).toEqual(['sent', 'ended'])
})

test('a thousand that never read take no more of the memory than a few', () => {
  const { connections, ends } = holding(1_000, MEGABYTE)
  expect(connections.send('7', 'x')).toBe(false)
  expect(ends).toEqual(['ended'])
})
