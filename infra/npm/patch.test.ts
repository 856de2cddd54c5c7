import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const require = createRequire(import.meta.url)

/** kafkajs as it is published: what patch.mjs made of it is undone in a copy. */
const unpatch = (): string => {
  const folder = join(mkdtempSync(join(tmpdir(), 'stint-kafkajs-')), 'kafkajs')
  cpSync(dirname(require.resolve('kafkajs/package.json')), folder, { recursive: true })
  const { PATCHES } = require('./patch.mjs')
  for (const { file, before, after } of PATCHES.toReversed()) {
    if (!file.startsWith('kafkajs/')) continue
    const path = join(dirname(folder), file)
    const parts = readFileSync(path, 'utf8').split(after)
    expect(parts, `${file}: ${after}`).toHaveLength(2)
    writeFileSync(path, parts.join(before))
  }
  return folder
}

const published = unpatch()
afterAll(() => rmSync(dirname(published), { recursive: true }))

// A record without a time has that of its request.
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-23T01:41:32.830Z') }))
afterAll(() => void vi.useRealTimers())

interface KafkaMessage {
  key: Buffer | string | null
  value: Buffer | string | null
  headers?: Record<string, Buffer | string | (Buffer | string)[]>
  timestamp?: string
}

interface ProduceOptions {
  compression?: number
  transactionalId?: string | null
}

const encode = async (kafkajs: string, partitions: KafkaMessage[][], options: ProduceOptions = {}): Promise<Buffer> => {
  const produce = require(`${kafkajs}/src/protocol/requests/produce/v3/request`)
  const encodeRequest = require(`${kafkajs}/src/protocol/request`)
  const topicData = [
    {
      topic: 'stint.jobs.v1',
      partitions: partitions.map((messages, partition) => ({ partition, firstSequence: 7, messages })),
    },
  ]
  const request = produce({ acks: -1, timeout: 30_000, producerEpoch: 3, topicData, ...options })
  return (await encodeRequest({ request, correlationId: 1, clientId: 'stint' })).buffer
}

const expectSameBytes = async (partitions: KafkaMessage[][], options?: ProduceOptions): Promise<void> => {
  const [ours, theirs] = [await encode('kafkajs', partitions, options), await encode(published, partitions, options)]
  expect(ours.equals(theirs)).toBe(true)
}

const ofSize = (size: number): Buffer => Buffer.alloc(size, 'stint')

test('what is published of kafkajs is not what is used', () => {
  const crc = 'src/protocol/recordBatch/crc32C/crc32C.js'
  expect(readFileSync(join(published, crc), 'utf8')).not.toBe(readFileSync(require.resolve(`kafkajs/${crc}`), 'utf8'))
})

test.for<[name: string, messages: KafkaMessage[]]>([
  ['none', []],
  ['no value', [{ key: 'key', value: null }]],
  ['no key', [{ key: null, value: 'value' }]],
  ['no headers', [{ key: 'key', value: ofSize(3), headers: {} }]],
  ['empty ones', [{ key: '', value: '', headers: { '': '', none: [], blank: Buffer.alloc(0) } }]],
  ['a key of many bytes a character', [{ key: '没有🎉\ud800', value: 'é'.repeat(100) }]],
  ['several headers', [{ key: 'key', value: 'v', headers: { ce_type: 'job.queued', é: ['a', Buffer.from('é')] } }]],
  ['times of their own', [5, 1, 3_000_000_000].map((ms) => ({ key: 'key', value: 'v', timestamp: `${1.7e12 + ms}` }))],
])('encodes messages as kafkajs does: %s', ([, messages]) => expectSameBytes([messages]))

test('encodes values of each size as kafkajs does', async () => {
  // Where the length of a record, of a value and of a text takes a byte more, and past what a buffer has at first.
  const sizes = [...Array(200).keys(), ...Array.from({ length: 200 }, (_, i) => 8_100 + i), 16_384, 70_000, 2_100_000]
  for (const size of sizes) await expectSameBytes([[{ key: 'key', value: ofSize(size), headers: { a: 'b' } }]])
  for (const size of sizes) await expectSameBytes([[{ key: 'k'.repeat(size), value: null }]])
})

const bytes = fc.uint8Array({ maxLength: 200 }).map((it) => Buffer.from(it))
const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 100 }))
const message: fc.Arbitrary<KafkaMessage> = fc.record(
  {
    key: fc.oneof(fc.constant(null), bytes, text),
    value: fc.oneof(fc.constant(null), bytes, text),
    headers: fc.dictionary(text, fc.oneof(bytes, text, fc.array(fc.oneof(bytes, text), { maxLength: 3 }))),
    timestamp: fc.integer({ min: 1.6e12, max: 1.8e12 }).map(String),
  },
  { requiredKeys: ['key', 'value'] },
)
const partitions = fc.array(fc.array(message, { maxLength: 20 }), { maxLength: 4 })
const options = fc.record({ compression: fc.constantFrom(0, 1), transactionalId: fc.constantFrom(null, 'transaction') })

test('encodes whatever messages as kafkajs does, compressed and in transactions too', async () => {
  await fc.assert(fc.asyncProperty(partitions, options, expectSameBytes))
})

test('what is no text and no bytes is refused', async () => {
  for (const value of [1, {}, new Uint8Array(3)] as unknown as Buffer[]) {
    await expect(encode('kafkajs', [[{ key: 'key', value }]])).rejects.toThrow(TypeError)
    await expect(encode('kafkajs', [[{ key: 'key', value: 'v', headers: { a: value } }]])).rejects.toThrow(TypeError)
  }
})
