import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../tests/support/world.ts'
import type { ReceivedDoorbell } from './doorbells.ts'
import { createSqsDoorbells } from './sqs.ts'

const read = (doorbells: ReceivedDoorbell[]): number[] =>
  doorbells.map((doorbell) => JSON.parse(doorbell.body).n).toSorted((a, b) => a - b)

test('rings more doorbells than one request holds', async ({ world: { app } }) => {
  const rings = Array.from({ length: 23 }, (_, i) => ({ queue: 'default' as const, n: i + 1 }))
  await app.queue.ring(rings)
  expect(await app.queue.visible('default')).toBe(23)
  const batches = await Promise.all([1, 2, 3].map(() => app.queue.receive('default', { max: 10, waitSeconds: 0 })))
  expect(read(batches.flat())).toEqual(rings.map((ring) => ring.n))
})

test('rings each queue with its own doorbells', async ({ world: { app } }) => {
  await app.queue.ring([
    { queue: 'compute', n: 1 },
    { queue: 'bulk', n: 500 },
  ])
  const [compute] = await app.queue.receive('compute', { max: 10, waitSeconds: 0 })
  expect(JSON.parse(compute?.body ?? '')).toEqual({ v: 1, queue: 'compute', n: 1 })
  expect(await app.queue.visible('bulk')).toBe(1)
  expect(await app.queue.visible('default')).toBe(0)
})

test('keeps a delayed doorbell back', async ({ world: { app } }) => {
  await app.queue.ring([
    { queue: 'default', n: 7, delaySeconds: 900 },
    { queue: 'default', n: 8 },
  ])
  expect(await app.queue.visible('default')).toBe(1)
  expect(read(await app.queue.receive('default', { max: 10, waitSeconds: 0 }))).toEqual([8])
})

test('hides what was received, and forgets what was deleted', async ({ world: { app } }) => {
  await app.queue.ring([
    { queue: 'default', n: 1 },
    { queue: 'default', n: 2 },
  ])
  const received = await app.queue.receive('default', { max: 10, waitSeconds: 0 })
  expect(received.map((doorbell) => doorbell.receiveCount)).toEqual([1, 1])
  expect(received.every(({ sentAtMs }) => Math.abs(Date.now() - sentAtMs) < 3_600_000)).toBe(true)
  expect(new Set(received.map((doorbell) => doorbell.messageId)).size).toBe(2)
  expect(await app.queue.receive('default', { max: 10, waitSeconds: 0 })).toEqual([])
  await app.queue.delete(
    'default',
    received.map((doorbell) => doorbell.receiptHandle),
  )
  expect(await app.queue.visible('default')).toBe(0)
})

test('deleting nothing is no request', async ({ world: { app } }) => {
  const unreachable = createSqsDoorbells({ ...app.config.sqs, endpoint: 'http://127.0.0.1:1', region: 'eu-central-1' })
  await expect(unreachable.delete('default', [])).resolves.toBeUndefined()
  unreachable.close()
})

test('a long receive ends with a doorbell that comes, or when it is called off', async ({ world: { app } }) => {
  const waiting = app.queue.receive('bulk', { max: 1, waitSeconds: 20 })
  await app.queue.ring([{ queue: 'bulk', n: 5 }])
  expect(read(await waiting)).toEqual([5])
  const stop = new AbortController()
  const calledOff = app.queue.receive('bulk', { max: 1, waitSeconds: 20, signal: stop.signal })
  stop.abort()
  await expect(calledOff).rejects.toMatchObject({ name: 'AbortError' })
})

test('throws when the queue cannot be reached, and when it is not there', async ({ world: { app } }) => {
  const { queueUrls, endpoint } = app.config.sqs
  const unreachable = createSqsDoorbells({ queueUrls, endpoint: 'http://127.0.0.1:1', region: 'eu-central-1' })
  await expect(unreachable.ring([{ queue: 'default', n: 1 }])).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const missing = { ...queueUrls, default: `${queueUrls.default}-missing` }
  const nowhere = createSqsDoorbells({ queueUrls: missing, endpoint, region: 'eu-central-1' })
  await expect(nowhere.ring([{ queue: 'default', n: 1 }])).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  unreachable.close()
  nowhere.close()
})

test('messages that SQS refuses to delete are a failure', async ({ world: { app } }) => {
  const refusing = createServer((_, response) => {
    const answer = {
      Successful: [{ Id: '0' }],
      Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false, Message: 'busy' }],
    }
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer))
  })
  await once(refusing.listen(0, '127.0.0.1'), 'listening')
  const endpoint = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`
  const queue = createSqsDoorbells({ ...app.config.sqs, endpoint, region: 'eu-central-1' })
  onTestFinished(() => {
    queue.close()
    refusing.closeAllConnections()
    refusing.close()
  })
  await expect(queue.delete('default', ['one', 'another'])).rejects.toThrow(
    'SQS refused to delete 1 of 2 messages: busy',
  )
})
