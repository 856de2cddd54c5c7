import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { KafkaClient } from 'kafka-crab-js'
import type { KafkaMessage as ReadMessage } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test as testInWorld } from '../../tests/support/world.ts'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '../..')
const patches = readdirSync(join(root, 'patches')).filter((name) => name.endsWith('.patch'))
/** As `node_modules/postgres/src/queue.js`. */
const patchedFiles = patches.flatMap((patch) =>
  [...readFileSync(join(root, 'patches', patch), 'utf8').matchAll(/^\+{3} b\/(.+)$/gm)].map(([, file = '']) => file),
)

/** The patched packages as they are published: in a copy, what the patches made of them is undone. */
const unpatch = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-published-'))
  writeFileSync(join(folder, 'package.json'), '{}')
  for (const patch of patches) {
    const [name = ''] = patch.split('+')
    for (const path of [join('patches', patch), join('node_modules', name)]) {
      cpSync(join(root, path), join(folder, path), { recursive: true })
    }
  }
  const args = [require.resolve('patch-package'), '--reverse', '--error-on-fail']
  execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  return folder
}

const folder = unpatch()
const published = join(folder, 'node_modules/kafkajs')
afterAll(() => rmSync(folder, { recursive: true }))

test.for(patchedFiles)('%s is not as it is published', (file) => {
  expect(readFileSync(join(root, file), 'utf8')).not.toBe(readFileSync(join(folder, file), 'utf8'))
})

/** Applies the patches of two packages, of which one is for development, in a folder with these packages. */
const patchWith = (installed: string[]) => {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'package.json'),
    JSON.stringify({ dependencies: { kafkajs: '*' }, devDependencies: { fauxqs: '*' } }),
  )
  mkdirSync(join(cwd, 'node_modules'))
  for (const name of installed) {
    cpSync(join(folder, 'node_modules', name), join(cwd, 'node_modules', name), { recursive: true })
  }
  for (const patch of patches.filter((it) => /^(kafkajs|fauxqs)\+/.test(it))) {
    cpSync(join(folder, 'patches', patch), join(cwd, 'patches', patch))
  }
  const { NODE_ENV: _, ...env } = process.env
  const script = join(import.meta.dirname, 'patch.mjs')
  const { status, stdout } = spawnSync(process.execPath, [script], { cwd, env, encoding: 'utf8' })
  return { status, stdout, has: (file: string) => readFileSync(join(cwd, file), 'utf8') }
}

test('without the packages for development, as npx installs the folder, the others are patched; of them none may be missing', () => {
  const file = patchedFiles.find((it) => it.includes('/kafkajs/')) ?? ''
  const { status, has } = patchWith(['kafkajs'])
  expect(status).toBe(0)
  expect(has(file)).toBe(readFileSync(join(root, file), 'utf8'))
  expect(patchWith(['fauxqs'])).toMatchObject({ status: 1, stdout: expect.stringContaining('kafkajs') })
  expect(patchWith(['fauxqs', 'kafkajs']).status).toBe(0)
})

interface Message {
  key: Buffer | string | null
  value: Buffer | string | null
  headers?: Record<string, Buffer | string | (Buffer | string)[]>
  timestamp?: string
}

interface ProduceOptions {
  compression?: number
  transactionalId?: string | null
  producerId?: number
}

const encode = async (kafkajs: string, partitions: Message[][], options: ProduceOptions = {}): Promise<Buffer> => {
  const produce = require(`${kafkajs}/src/protocol/requests/produce/v3/request`)
  const encodeRequest = require(`${kafkajs}/src/protocol/request`)
  const topicData = [
    {
      topic: 'stint.jobs.v1',
      partitions: partitions.map((messages, partition) => ({ partition, firstSequence: 7, messages })),
    },
  ]
  const request = produce({ acks: -1, timeout: 30_000, producerEpoch: 3, topicData, ...options })
  const encoded = await encodeRequest({ request, correlationId: 1, clientId: 'stint' })
  // Ours are sent one behind the other, and not put together.
  return encoded.buffer ?? Buffer.concat(encoded.buffers)
}

const expectSameBytes = async (partitions: Message[][], options?: ProduceOptions): Promise<void> => {
  const [ours, theirs] = [await encode('kafkajs', partitions, options), await encode(published, partitions, options)]
  expect(ours.equals(theirs)).toBe(true)
}

const ofSize = (size: number): Buffer => Buffer.alloc(size, 'stint')

const bytes = fc.uint8Array({ maxLength: 200 }).map((it) => Buffer.from(it))
const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 100 }))
// Of a header by another name kafkajs makes a list with what each object has by that name.
const name = text.filter((it) => !(it in {}))
const message: fc.Arbitrary<Message> = fc.record(
  {
    key: fc.oneof(fc.constant(null), bytes, text),
    value: fc.oneof(fc.constant(null), bytes, text),
    headers: fc.dictionary(name, fc.oneof(bytes, text, fc.array(fc.oneof(bytes, text), { maxLength: 3 }))),
    timestamp: fc.integer({ min: 1.6e12, max: 1.8e12 }).map(String),
  },
  { requiredKeys: ['key', 'value'] },
)
const partitions = fc.array(fc.array(message, { maxLength: 20 }), { maxLength: 4 })
const options = fc.record({ compression: fc.constantFrom(0, 1), transactionalId: fc.constantFrom(null, 'transaction') })

describe('encoding', () => {
  // A record without a time has that of its request.
  beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-23T01:41:32.830Z') }))
  afterAll(() => void vi.useRealTimers())

  test.for<[name: string, messages: Message[]]>([
    ['none', []],
    ['no value', [{ key: 'key', value: null }]],
    ['no key', [{ key: null, value: 'value' }]],
    ['no headers', [{ key: 'key', value: ofSize(3), headers: {} }]],
    ['empty ones', [{ key: '', value: '', headers: { '': '', none: [], blank: Buffer.alloc(0) } }]],
    ['a key of many bytes a character', [{ key: '没有🎉\ud800', value: 'é'.repeat(100) }]],
    ['several headers', [{ key: 'key', value: 'v', headers: { ce_type: 'job.queued', é: ['a', Buffer.from('é')] } }]],
    [
      'times of their own',
      [5, 1, 3_000_000_000].map((ms) => ({ key: 'key', value: 'v', timestamp: `${1.7e12 + ms}` })),
    ],
  ])('encodes messages as kafkajs does: %s', ([, messages]) => expectSameBytes([messages]))

  test('encodes values of each size as kafkajs does', async () => {
    // Where the length of a record, of a value and of a text takes a byte more, and past what a buffer has at first.
    const sizes = [...Array(200).keys(), ...Array.from({ length: 200 }, (_, i) => 8_100 + i), 16_384, 70_000, 2_100_000]
    for (const size of sizes) await expectSameBytes([[{ key: 'key', value: ofSize(size), headers: { a: 'b' } }]])
    for (const size of sizes) await expectSameBytes([[{ key: 'k'.repeat(size), value: null }]])
  })

  test('encodes whatever messages as kafkajs does, compressed and in transactions too', async () => {
    await fc.assert(fc.asyncProperty(partitions, options, expectSameBytes))
  })

  test('what is no text and no bytes is refused', async () => {
    for (const value of [1, {}, new Uint8Array(3)] as unknown as Buffer[]) {
      await expect(encode('kafkajs', [[{ key: 'key', value }]])).rejects.toThrow(TypeError)
      await expect(encode('kafkajs', [[{ key: 'key', value: 'v', headers: { a: value } }]])).rejects.toThrow(TypeError)
    }
  })
})

/** Of a request for one partition, with an empty name of its transaction: what comes before the size of its records. */
const REQUEST_BYTES = 54
const CONTROL = 0x20
const TRANSACTIONAL = 0x10
const APPEND_TIME = 0x08

interface RecordBatch {
  messages: Message[]
  compression: number
  producerId: number
  flags: number
}

/** What a broker answers of a partition's log: the size, and its batches of records. */
const toLog = async (batches: RecordBatch[]): Promise<Buffer> => {
  const encoded: Buffer[] = []
  let offset = 1_000n
  for (const { messages, compression, producerId, flags } of batches) {
    const request = await encode('kafkajs', [messages], { compression, producerId })
    const batch = request.subarray(REQUEST_BYTES + 4)
    batch.writeBigInt64BE(offset, 0)
    batch.writeInt16BE(compression | flags, 21)
    encoded.push(batch)
    offset += BigInt(messages.length)
  }
  const log = Buffer.concat(encoded)
  const size = Buffer.alloc(4)
  size.writeInt32BE(log.length)
  return Buffer.concat([size, log])
}

/** All that a message holds, which isn't in fields of its own. */
const holdings = (message: ReadMessage & Record<string, unknown>) => {
  const { magicByte, attributes, timestamp, offset, key, value, headers, isControlRecord, batchContext } = message
  return { magicByte, attributes, timestamp, offset, key, value, headers, isControlRecord, batchContext }
}

interface Fetched {
  fetchedOffset: string
  abortedTransactions: { producerId: string; firstOffset: string }[]
}

const decode = async (kafkajs: string, log: Buffer, { fetchedOffset, abortedTransactions }: Fetched) => {
  const decodeMessages = require(`${kafkajs}/src/protocol/requests/fetch/v4/decodeMessages`)
  const Decoder = require(`${kafkajs}/src/protocol/decoder`)
  const Batch = require(`${kafkajs}/src/consumer/batch`)
  const messages = await decodeMessages(new Decoder(log))
  const all = messages.map(holdings)
  const batch = new Batch('topic', fetchedOffset, {
    partition: 0,
    highWatermark: '2000',
    abortedTransactions,
    messages,
  })
  return {
    all,
    given: batch.messages.map(holdings),
    offsets: [batch.firstOffset(), batch.lastOffset(), batch.offsetLag(), batch.offsetLagLow()],
    empty: [batch.isEmpty(), batch.isEmptyDueToFiltering(), batch.isEmptyControlRecord()],
  }
}

const batchOf = (messages: Message[], flags = 0): RecordBatch => ({ messages, compression: 0, producerId: 1, flags })
const whole: Fetched = { fetchedOffset: '0', abortedTransactions: [] }

const log = fc.array(
  fc.record({
    messages: fc.array(message, { maxLength: 8 }),
    compression: fc.constantFrom(0, 1),
    producerId: fc.constantFrom(1, 2),
    flags: fc.constantFrom(0, APPEND_TIME, TRANSACTIONAL, TRANSACTIONAL | CONTROL),
  }),
  { maxLength: 4 },
)
const fetched = fc.record({
  fetchedOffset: fc.integer({ min: 995, max: 1_020 }).map(String),
  abortedTransactions: fc.array(
    fc.record({
      producerId: fc.constantFrom('1', '2'),
      firstOffset: fc.integer({ min: 1_000, max: 1_020 }).map(String),
    }),
    { maxLength: 2 },
  ),
})

describe('decoding', () => {
  test('reads of whatever a broker answers what kafkajs does: compressed, in transactions, aborted, of its own time', async () => {
    await fc.assert(
      fc.asyncProperty(log, fetched, async (batches, options) => {
        const bytes = await toLog(batches)
        expect(await decode('kafkajs', bytes, options)).toEqual(await decode(published, bytes, options))
      }),
    )
  })

  test('leaves out an aborted transaction, and what ends one', async () => {
    const [abort, commit] = [Buffer.from([0, 0, 0, 0]), Buffer.from([0, 0, 0, 1])]
    const bytes = await toLog([
      batchOf([{ key: 'a', value: 'aborted' }], TRANSACTIONAL),
      batchOf([{ key: abort, value: Buffer.alloc(6) }], TRANSACTIONAL | CONTROL),
      batchOf([{ key: 'b', value: 'committed' }], TRANSACTIONAL),
      batchOf([{ key: commit, value: Buffer.alloc(6) }], TRANSACTIONAL | CONTROL),
    ])
    const aborted = { ...whole, abortedTransactions: [{ producerId: '1', firstOffset: '1000' }] }
    const { given, offsets } = await decode('kafkajs', bytes, aborted)
    expect(given.map((it: ReadMessage) => String(it.value))).toEqual(['committed'])
    expect(offsets.slice(0, 2)).toEqual(['1000', '1003'])
  })

  test('throws of bytes of which kafkajs does, and reads no others of the rest', async () => {
    const at = fc.nat().map((it) => (bytes: Buffer) => it % bytes.length)
    await fc.assert(
      fc.asyncProperty(log, at, fc.nat({ max: 255 }), async (batches, place, byte) => {
        const bytes = await toLog(batches)
        bytes[place(bytes)] = byte
        // Of messages out of their order, as no broker has them, others are left out.
        const ours = await decode('kafkajs', bytes, whole).catch(() => undefined)
        if (ours) expect(ours.all).toEqual((await decode(published, bytes, whole)).all)
      }),
      { numRuns: 1_000 },
    )
  })

  test.for<[name: string, at: number, byte: number]>([
    ['a record that ends before its fields do', 0, 2 * 4],
    ['a record of less than no bytes', 0, 3],
    ['a key past the end', 4, 2 * 60],
    ['a value past the end', 8, 2 * 60],
    ['a key of less than no bytes', 4, 3],
    ['more headers than there are', 12, 2 * 5],
    ['less than no headers', 12, 3],
  ])('throws of %s', async ([, at, byte]) => {
    const bytes = await toLog([batchOf([{ key: 'key', value: 'val', headers: { a: 'b' } }])])
    const untouched = await decode('kafkajs', bytes, whole)
    expect(untouched.all).toHaveLength(1)
    bytes[4 + 61 + at] = byte
    await expect(decode('kafkajs', bytes, whole)).rejects.toThrow(RangeError)
  })

  test('a header may have the name of what each object has', async () => {
    const headers = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
    const { all } = await decode('kafkajs', await toLog([batchOf([{ key: 'key', value: 'v', headers }])]), whole)
    expect(Object.entries(all[0].headers).map(([name, value]) => [name, String(value)])).toEqual(
      Object.entries(headers),
    )
  })

  testInWorld('reads from a broker what kafkajs does, of librdkafka’s records too', async ({ world }) => {
    const { brokers, topic } = world.app.config.kafka
    const headers = { ce_type: 'job.queued', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
    const ours = Array.from({ length: 200 }, (_, i) => ({ key: `job-${i}`, value: Buffer.alloc(i, 'x'), headers }))
    await world.app.publisher.publish(topic, ours)
    for (const codec of ['none', 'gzip']) {
      const client = new KafkaClient({ brokers: brokers.join(), clientId: 'stint-test', logLevel: 'error' })
      const producer = client.createProducer({ configuration: { 'compression.codec': codec, 'linger.ms': 20 } })
      const messages = Array.from({ length: 100 }, (_, i) => ({
        key: Buffer.from(`key-${i}`),
        payload: Buffer.from(`${codec} ${i}`),
        headers: { codec: Buffer.from(codec), empty: Buffer.alloc(0) },
      }))
      await producer.send({ topic, messages })
    }
    const read = (kafkajs: string, groupId: string) =>
      consume(kafkajs, { broker: brokers.join(), topic, groupId, count: 400 })
    const [mine, theirs] = await Promise.all([read('kafkajs', `${topic}-ours`), read(published, `${topic}-theirs`)])
    expect(mine).toEqual(theirs)
    expect(mine.filter((it) => String(it.value).startsWith('gzip'))).toHaveLength(100)
  })
})

interface ConsumeOptions {
  broker: string
  topic: string
  groupId: string
  count: number
}

/** This many records of a topic, in the order of each partition. */
const consume = async (kafkajs: string, { broker, topic, groupId, count }: ConsumeOptions) => {
  const { Kafka, logLevel }: typeof import('kafkajs') = require(kafkajs)
  const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).consumer({
    groupId,
    maxWaitTimeInMs: 100,
  })
  const read: (ReturnType<typeof holdings> & { partition: number })[] = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachBatch: async ({ batch: { partition, messages } }) => {
        read.push(...messages.map((it) => ({ partition, ...holdings(it as never) })))
      },
    })
    await vi.waitUntil(() => read.length >= count, { timeout: 30_000 })
  } finally {
    await consumer.disconnect()
  }
  return read.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset))
}
