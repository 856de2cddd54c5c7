import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { QUEUES } from '../../../lib/queue/doorbells.ts'
import { createSqsDoorbells } from '../../../lib/queue/sqs.ts'
import { connects } from './reachable.ts'
import { type SqsS3, startSqsS3 } from './sqs-s3.ts'

let dataDir = ''
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'stint-sqs-s3-'))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

const put = (server: SqsS3, key: string, body: string) =>
  fetch(`${server.url}/stint/${key}`, { method: 'PUT', body, headers: { 'content-type': 'text/plain' } })
const get = (server: SqsS3, key: string) => fetch(`${server.url}/stint/${key}`)
const doorbells = ({ url, region, queueUrls }: SqsS3) => createSqsDoorbells({ endpoint: url, region, queueUrls })

test('keeps its objects and comes back on its port after its process was killed', async () => {
  const first = await startSqsS3({ dataDir })
  expect((await put(first, 'a/kept', 'hello')).status).toBe(200)
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
  const second = await startSqsS3({ dataDir, port: first.port })
  const answer = await get(second, 'a/kept')
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/plain', 'hello'])
  await second.stop()
})

test('has its queues again, empty, after its process was killed', async () => {
  const first = await startSqsS3({ dataDir })
  const queue = doorbells(first)
  await queue.ring([{ queue: 'compute', n: 1 }])
  expect(await queue.visible('compute')).toBe(1)
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const second = await startSqsS3({ dataDir, port: first.port })
  expect(await queue.visible('compute')).toBe(0)
  await queue.ring([{ queue: 'compute', n: 1 }])
  expect(await queue.visible('compute')).toBe(1)
  queue.close()
  await second.stop()
})

test('starts on the half of an object that a kill left', async () => {
  const first = await startSqsS3({ dataDir })
  for (const key of ['torn', 'short', 'whole']) await put(first, key, 'hello')
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const objects = join(dataDir, 's3/buckets/stint/objects')
  await writeFile(join(objects, 'torn.meta.json'), '{"key":"to')
  await writeFile(join(objects, 'short.data'), 'he')
  const second = await startSqsS3({ dataDir })
  const statuses = await Promise.all(['torn', 'short', 'whole'].map(async (key) => (await get(second, key)).status))
  await second.stop()
  expect(statuses).toEqual([404, 404, 200])
})

test('gives a doorbell to who waits when its delay is over, and again when it was not deleted', async () => {
  const server = await startSqsS3({ dataDir, visibilityTimeoutSeconds: 1 })
  const queue = doorbells(server)
  const counts: number[][] = []
  // One that is only found when the wait is over takes 20 s each time, and the test too long. Each has a queue of its own,
  // since it comes once more whenever it is left for a second.
  for (const name of QUEUES) {
    const receive = () => queue.receive(name, { max: 1, waitSeconds: 20 })
    const waiting = receive()
    await queue.visible(name)
    await queue.ring([{ queue: name, n: 1, delaySeconds: 1 }])
    const received = [...(await waiting), ...(await receive())]
    counts.push(received.map((message) => message.receiveCount))
  }
  queue.close()
  await server.stop()
  expect(counts).toEqual(QUEUES.map(() => [1, 2]))
})

test('moves a doorbell that nobody deletes to the dead letters', async () => {
  const server = await startSqsS3({ dataDir, visibilityTimeoutSeconds: 0 })
  const queue = doorbells(server)
  await queue.ring([{ queue: 'default', n: 1 }])
  const counts: number[] = []
  for (let i = 0; i < 6; i++) {
    const received = await queue.receive('default', { max: 1, waitSeconds: 0 })
    counts.push(...received.map((message) => message.receiveCount))
  }
  const { url, region, queueUrls } = server
  const dead = createSqsDoorbells({
    endpoint: url,
    region,
    queueUrls: { ...queueUrls, default: `${queueUrls.default}-dead` },
  })
  const letters = await dead.receive('default', { max: 10, waitSeconds: 0 })
  queue.close()
  dead.close()
  await server.stop()
  expect(counts).toEqual([1, 2, 3, 4, 5])
  expect(letters).toHaveLength(1)
})

test('takes no object whose size it is not told, which it could not have room for', async () => {
  const server = await startSqsS3({ dataDir })
  const sent = httpRequest(`${server.url}/stint/endless`, { method: 'PUT' })
  sent.on('error', () => {})
  sent.write('some of it')
  const [answer] = await once(sent, 'response')
  expect((answer as IncomingMessage).resume().statusCode).toBe(411)
  sent.destroy()
  await server.stop()
})

test('listens to this machine only', async () => {
  const server = await startSqsS3({ dataDir })
  const outside = Object.values(networkInterfaces()).flatMap((them) => them ?? [])
  const open = await Promise.all(outside.filter((it) => !it.internal).map((it) => connects(it.address, server.port)))
  const healthy = await fetch(`${server.url}/health`)
  await server.stop()
  expect(open).not.toContain(true)
  expect(healthy.status).toBe(200)
})

test('lets pages of this machine send and fetch files, and others do nothing', async () => {
  const server = await startSqsS3({ dataDir })
  const ask = (method: string, origin: string) =>
    fetch(`${server.url}/stint/from-a-page`, { method, headers: { origin }, ...(method === 'PUT' && { body: 'hi' }) })
  const allowed = (answer: Response) => [answer.status, answer.headers.get('access-control-allow-origin')]
  const own = 'http://localhost:3000'
  const preflight = await ask('OPTIONS', own)
  expect(allowed(preflight)).toEqual([204, own])
  expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
  expect(allowed(await ask('PUT', own))).toEqual([200, own])
  expect(allowed(await ask('GET', own))).toEqual([200, own])
  for (const other of ['https://example.com', 'http://localhost.example.com', 'http://127.0.0.1.example.com']) {
    expect((await ask('GET', other)).headers.get('access-control-allow-origin')).toBeNull()
    expect((await ask('OPTIONS', other)).headers.get('access-control-allow-origin')).toBeNull()
  }
  // Browsers send such a request without asking before, and only don't show the answer.
  const all = '<Delete><Object><Key>from-a-page</Key></Object></Delete>'
  for (const origin of ['https://example.com', 'null']) {
    const headers = { origin, 'content-type': 'text/plain' }
    expect((await fetch(`${server.url}/stint?delete`, { method: 'POST', headers, body: all })).status).toBe(403)
  }
  const [named] = await once(httpRequest(`${server.url}/stint`, { headers: { host: 'example.com' } }).end(), 'response')
  expect((named as IncomingMessage).resume().statusCode).toBe(403)
  expect((await ask('GET', own)).status).toBe(200)
  await server.stop()
})

test('names a file as its address asks, and survives a name that no header can have', async () => {
  const server = await startSqsS3({ dataDir })
  const url = `${server.url}/stint/named`
  await fetch(url, { method: 'PUT', body: 'hi' })
  const named = async (name: string) => {
    const answer = await fetch(`${url}?response-content-disposition=${name}`)
    return [answer.status, answer.headers.get('content-disposition')]
  }
  expect(await named('attachment%3B%20filename%3D%22a.txt%22')).toEqual([200, 'attachment; filename="a.txt"'])
  for (const name of ['', 'a%0d%0aset-cookie:%20b', '%00', '%C3%A4', '%']) expect((await named(name))[0]).toBe(200)
  expect((await named('a%0d%0aset-cookie:%20b'))[1]).toBeNull()
  await server.stop()
})

test('says so when its port is taken', async () => {
  const first = await startSqsS3({ dataDir })
  await expect(startSqsS3({ dataDir, port: first.port })).rejects.toThrow(/EADDRINUSE/)
  await first.stop()
})
