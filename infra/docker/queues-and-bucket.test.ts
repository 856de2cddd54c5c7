import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { makeQueuesAndBucket } from './queues-and-bucket.ts'

/** An S3 that has no bucket. @returns where it answers, and what it was asked to make a bucket with */
const startEmptyS3 = async () => {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    if (request.method === 'PUT' && !request.url?.includes('cors')) asked.push(body)
    response.writeHead(request.method === 'HEAD' ? 404 : 200).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test.for([
  ['eu-central-1', expect.stringContaining('<LocationConstraint>eu-central-1<')],
  // S3: "The us-east-1 location constraint is incompatible".
  ['us-east-1', ''],
])('a bucket in %s is made with a place that S3 takes', async ([region, body], { world }) => {
  const { endpoint, asked } = await startEmptyS3()
  const { config } = world.app
  await makeQueuesAndBucket({ ...config, region: region as string, s3: { ...config.s3, endpoint } })
  expect(asked).toEqual([body])
})
