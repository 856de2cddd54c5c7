import { describe, expect, test } from 'vitest'
import { filesOrigin } from './origin.ts'
import { createS3Files } from './s3.ts'

const region = 'eu-central-1'
const bucket = 'files'

describe('the origin of files', () => {
  test.for([
    ['on one’s own machine', 'http://127.0.0.1:4566', undefined],
    ['where callers reach S3 at another address than the functions', 'http://s3:4566', 'http://localhost:4567'],
  ] as const)('is where presigned URLs lead to, %s', async ([, endpoint, publicEndpoint], { onTestFinished }) => {
    const s3 = { endpoint, publicEndpoint, bucket }
    const files = createS3Files({ region, ...s3 })
    onTestFinished(() => files.close())
    const options = { expiresInSeconds: 60, fileName: 'a.txt', contentType: 'text/plain' }
    const url = await files.downloadUrl('key', options)
    expect(new URL(url).origin).toBe(filesOrigin({ s3, region }))
  })

  test('is the bucket’s own on AWS', () => {
    const s3 = { endpoint: undefined, publicEndpoint: undefined, bucket }
    expect(filesOrigin({ s3, region })).toBe('https://files.s3.eu-central-1.amazonaws.com')
  })
})
