import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { expect, onTestFinished, test } from 'vitest'
import { LOCAL_CREDENTIALS } from '../core/local-credentials.ts'
import { createSqsWire } from './sqs-wire.ts'

interface Asked {
  url: string | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** An SQS that answers as it is told, and the client of it. */
const startSqs = async (answer: (response: ServerResponse, nth: number) => unknown, silenceMs?: number) => {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    asked.push({ url: request.url, headers: request.headers, body })
    answer(response, asked.length)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const wire = createSqsWire({ region: 'eu-central-1', endpoint, ...(silenceMs !== undefined && { silenceMs }) })
  onTestFinished(() => {
    wire.close()
    server.closeAllConnections()
    server.close()
  })
  return { asked, endpoint, wire, QueueUrl: `${endpoint}/000000000000/stint-default` }
}

const refuse = (response: ServerResponse, status: number, type: string) =>
  response
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
    .end(JSON.stringify({ __type: `com.amazonaws.sqs#${type}`, message: 'no' }))

test('asks what the client of AWS asks', async () => {
  const { asked, endpoint, wire, QueueUrl } = await startSqs((response) => response.end('{}'))
  const aws = new SQSClient({ region: 'eu-central-1', endpoint, credentials: LOCAL_CREDENTIALS, md5: false })
  onTestFinished(() => aws.destroy())
  const send = { QueueUrl, Entries: [{ Id: '0', MessageBody: '{"text":"größer"}', DelaySeconds: 3 }] }
  const receive = {
    QueueUrl,
    MaxNumberOfMessages: 2,
    WaitTimeSeconds: 0,
    MessageSystemAttributeNames: ['All' as const],
  }
  const forget = { QueueUrl, Entries: [{ Id: '0', ReceiptHandle: 'handle' }] }
  const look = { QueueUrl, AttributeNames: ['All' as const] }

  await wire.call('SendMessageBatch', send)
  await wire.call('ReceiveMessage', receive)
  await wire.call('DeleteMessageBatch', forget)
  await wire.call('GetQueueAttributes', look)
  const ours = asked.splice(0)
  await aws.send(new SendMessageBatchCommand(send))
  await aws.send(new ReceiveMessageCommand(receive))
  await aws.send(new DeleteMessageBatchCommand(forget))
  await aws.send(new GetQueueAttributesCommand(look))

  const said = ({ url, headers, body }: Asked) => ({
    url,
    host: headers.host,
    target: headers['x-amz-target'],
    type: headers['content-type'],
    length: headers['content-length'],
    body: JSON.parse(body),
  })
  expect(ours.map(said)).toEqual(asked.map(said))
  expect(ours.map(({ headers }) => headers['x-amz-target'])).toContain('AmazonSQS.ReceiveMessage')
})

test('signs what it asks', async () => {
  const { asked, wire, QueueUrl } = await startSqs((response) => response.end('{}'))
  await wire.call('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] })
  const [{ headers, body } = expect.fail('nothing was asked')] = asked
  expect(headers.authorization).toBe(signatureOf(headers, body))
})

/** As AWS describes it ("Create a signed AWS API request"), for the headers that the request says are signed. */
const signatureOf = (headers: IncomingHttpHeaders, body: string): string => {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? ''
  const lines = signed.split(';').map((name) => `${name}:${headers[name]}\n`)
  const canonical = ['POST', '/', '', lines.join(''), signed, hash(body)].join('\n')
  const time = String(headers['x-amz-date'])
  const scope = [time.slice(0, 8), 'eu-central-1', 'sqs', 'aws4_request']
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), hash(canonical)].join('\n')).toString('hex')
  expect(signed.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-target']))
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${signed}, Signature=${signature}`
}

test('asks once more when SQS is busy, and when the connection breaks', async () => {
  const busy = await startSqs((response, nth) =>
    nth === 1 ? refuse(response, 503, 'ServiceUnavailable') : response.end('{"Attributes":{}}'),
  )
  const asked = { QueueUrl: busy.QueueUrl, AttributeNames: ['All' as const] }
  expect(await busy.wire.call('GetQueueAttributes', asked)).toEqual({ Attributes: {} })
  const broken = await startSqs((response, nth) => (nth === 1 ? response.destroy() : response.end('{}')))
  expect(await broken.wire.call('GetQueueAttributes', asked)).toEqual({})
  const always = await startSqs((response) => refuse(response, 400, 'RequestThrottled'))
  await expect(always.wire.call('GetQueueAttributes', asked)).rejects.toMatchObject({ name: 'RequestThrottled' })
  expect(always.asked).toHaveLength(2)
})

test('what SQS refuses is not asked again, nor what it gave no answer to, or half of one', async () => {
  const refusing = await startSqs((response) => refuse(response, 400, 'QueueDoesNotExist'))
  const asked = { QueueUrl: refusing.QueueUrl, AttributeNames: ['All' as const] }
  const refused = { name: 'QueueDoesNotExist', status: 400, message: 'no' }
  await expect(refusing.wire.call('GetQueueAttributes', asked)).rejects.toMatchObject(refused)
  expect(refusing.asked).toHaveLength(1)
  const silent = await startSqs(() => {}, 50)
  const silenced = await startSqs((response) => response.writeHead(200).write('{'), 50)
  for (const { wire, asked: heard } of [silent, silenced]) {
    await expect(wire.call('GetQueueAttributes', asked)).rejects.toMatchObject({ name: 'SilenceError' })
    expect(heard).toHaveLength(1)
  }
})

test('however much is asked at once, fifty connections are enough for it', async () => {
  const sockets = new Set<unknown>()
  const { asked, wire, QueueUrl } = await startSqs((response) => {
    sockets.add(response.socket)
    response.end('{}')
  })
  await Promise.all(Array.from({ length: 120 }, () => wire.call('GetQueueAttributes', { QueueUrl })))
  expect(asked).toHaveLength(120)
  expect(sockets.size).toBeLessThanOrEqual(50)
})

test('a page of something in between is an error with its status', async () => {
  const { wire, QueueUrl } = await startSqs((response) => response.writeHead(403).end('<h1>Forbidden</h1>'))
  const refused = { name: 'SqsError', status: 403, message: 'SQS answered 403' }
  await expect(wire.call('GetQueueAttributes', { QueueUrl })).rejects.toMatchObject(refused)
})
