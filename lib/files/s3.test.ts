import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { createS3Files } from './s3.ts'
import { FileMissingError, FileTooLargeError } from './store.ts'

const hello = Buffer.from('hello')
const upload = { expiresInSeconds: 60, contentType: 'image/png', sizeBytes: 5 }

test('gives back what was put', async ({ world: { app } }) => {
  await app.files.put('a/b c.txt', hello, 'text/plain')
  expect(await app.files.get('a/b c.txt', 5)).toEqual(hello)
  expect(await app.files.head('a/b c.txt')).toEqual({ sizeBytes: 5, contentType: 'text/plain' })
})

test('signs addresses for where callers reach it', async ({ world: { app } }) => {
  const { region, s3 } = app.config
  const files = createS3Files({ region, ...s3, publicEndpoint: 'http://files.example.com:8080' })
  const download = await files.downloadUrl('a', { expiresInSeconds: 60, fileName: 'a', contentType: 'text/plain' })
  expect(new URL(download).host).toBe('files.example.com:8080')
  expect(new URL(await files.uploadUrl('a', upload)).host).toBe('files.example.com:8080')
  await files.put('a', hello, 'text/plain')
  expect(await app.files.get('a', 5)).toEqual(hello)
  files.close()
})

test('puts again over what was there', async ({ world: { app } }) => {
  await app.files.put('a', hello, 'text/plain')
  await app.files.put('a', Buffer.from('bye'), 'text/csv')
  expect((await app.files.get('a', 5)).toString()).toBe('bye')
})

test('stores an empty object', async ({ world: { app } }) => {
  await app.files.put('empty', Buffer.alloc(0), 'text/plain')
  expect(await app.files.get('empty', 0)).toHaveLength(0)
  expect(await app.files.head('empty')).toEqual({ sizeBytes: 0, contentType: 'text/plain' })
})

test('tells a missing object from every other failure', async ({ world: { app } }) => {
  await expect(app.files.get('nothing', 5)).rejects.toThrow(FileMissingError)
  expect(await app.files.head('nothing')).toBeNull()
})

test('stops at the size that the reader can bear', async ({ world: { app } }) => {
  await app.files.put('large', Buffer.alloc(1_000_000, 7), 'application/octet-stream')
  await expect(app.files.get('large', 999_999)).rejects.toThrow(FileTooLargeError)
  expect(await app.files.get('large', 1_000_000)).toHaveLength(1_000_000)
})

test('stops there too when the store does not say how large the object is', async ({ world: { app } }) => {
  const server = createServer((_, response) => {
    response.write(hello)
    response.end(hello)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const files = createS3Files({ region: app.config.region, endpoint, bucket: 'any' })
  onTestFinished(() => {
    files.close()
    server.close()
  })
  expect(await files.get('a', 10)).toHaveLength(10)
  await expect(files.get('a', 9)).rejects.toThrow(FileTooLargeError)
})

test('opens what is too large to be held, up to the size that the reader can bear', async ({ world: { app } }) => {
  const large = Buffer.alloc(3_000_000, 7)
  await app.files.put('large', large, 'application/octet-stream')
  const chunks = await (await app.files.open('large', large.length)).toArray()
  expect(chunks.length).toBeGreaterThan(1)
  expect(Buffer.concat(chunks).equals(large)).toBe(true)
  await expect(app.files.open('large', large.length - 1)).rejects.toThrow(FileTooLargeError)
  await expect(app.files.open('nothing', 5)).rejects.toThrow(FileMissingError)
})

test('deletes, and deletes what is not there', async ({ world: { app } }) => {
  await app.files.put('a', hello, 'text/plain')
  await app.files.delete('a')
  await app.files.delete('a')
  expect(await app.files.head('a')).toBeNull()
})

test('deletes many at once, and those that are not there', async ({ world: { app } }) => {
  const keys = ['a/1', 'a/2 ü&<', 'a/3']
  await Promise.all(keys.map((key) => app.files.put(key, hello, 'text/plain')))
  await app.files.deleteAll(['a/1', 'a/2 ü&<', 'nothing'])
  const left = await Promise.all(keys.map((key) => app.files.head(key)))
  expect(left.map((it) => it !== null)).toEqual([false, false, true])
  await app.files.deleteAll([])
})

test('a download URL gives the object to whoever has it', async ({ world: { app } }) => {
  await app.files.put('a', hello, 'text/csv')
  const url = await app.files.downloadUrl('a', { expiresInSeconds: 60, fileName: 'ä "1".csv', contentType: 'text/csv' })
  const answer = await fetch(url)
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/csv', 'hello'])
  const disposition = `attachment; filename="_ _1_.csv"; filename*=UTF-8''%C3%A4%20%221%22.csv`
  expect(answer.headers.get('content-disposition')).toBe(disposition)
  const asked = new URL(url).searchParams
  expect(asked.get('X-Amz-Expires')).toBe('60')
  expect(asked.get('response-content-type')).toBe('text/csv')
  expect(asked.get('response-content-disposition')).toBe(disposition)
})

test('an upload URL takes the object from whoever has it', async ({ world: { app } }) => {
  const url = await app.files.uploadUrl('a', upload)
  const answer = await fetch(url, { method: 'PUT', body: hello, headers: { 'content-type': 'image/png' } })
  expect(answer.status).toBe(200)
  expect(await app.files.head('a')).toEqual({ sizeBytes: 5, contentType: 'image/png' })
})

test('an upload URL is signed for one size and one type, and asks for no checksum', async ({ world: { app } }) => {
  const asked = new URL(await app.files.uploadUrl('a', upload)).searchParams
  expect(asked.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host')
  expect([...asked.keys()].filter((key) => /checksum/i.test(key))).toEqual([])
})

test('is ready when the bucket is there', async ({ world: { app } }) => {
  await app.files.ready()
  const { s3, region } = app.config
  const other = createS3Files({ ...s3, region, bucket: `${s3.bucket}-other` })
  await expect(other.ready()).rejects.toThrow()
  other.close()
})

test('a store that cannot be reached says so with a code', async ({ world: { app } }) => {
  const nowhere = createS3Files({ region: 'eu-central-1', endpoint: 'http://127.0.0.1:1', bucket: 'nowhere' })
  await expect(nowhere.put('a', hello, 'text/plain')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(nowhere.head('a')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  nowhere.close()
  expect(await app.files.head('a')).toBeNull()
})
