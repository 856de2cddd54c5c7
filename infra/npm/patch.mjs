// Mends a dependency until a release does; `npm ci` and `npm install` run it. It does nothing when that was done, and
// fails when the text that it looks for has changed: then see whether the new release still needs it.
//
// postgres 3.4.9. Bytes that a connection is about to send when it closes stay in its buffer, and the timer that would
// have sent them counts as running although it was cancelled. The connection that is made in its place then never sends
// a thing, and every statement that it is given fails after `connect_timeout`. Bytes that it is given between its close
// and that are sent over a socket that is gone, which throws in a timer, where nobody can catch it, and ends the process.
// What was under way when a connection closed is not forgotten: its error goes to whoever comes next, and `end` waits for
// its answer for ever. A transaction's statement that comes right after the close may take the closed connection out of the
// pool for good, and one that waited for its turn never hears of it. `max_pipeline` is how many statements may be sent
// behind the one that is answered next: with 0, and when the socket is full, a transaction is never told its connection.
// A statement that can't be built fails the one ahead of it instead of itself, and gets another one's answer.
// github.com/porsager/postgres: issues 970, 1066, 1097, 1154, 1186 and 1208, pull requests 1142, 1168 and 1209.
// And of the connections that wait the one that has waited longest is taken, so that all of a pool have a turn: none is
// ever idle for long enough to be closed, and each server process is cold when it gets its statement, which costs it a
// quarter more than one that has just run it. db/client.test.ts shows them.
//
// fauxqs 2.4.1. It takes 11 MiB at once and has no setting for it, where S3 takes 5 GiB in one PUT, which is what a
// presigned URL is for. A file is held in memory while it comes, and Node writes no more than 2 GiB of it at once.
//
// It also looks fifty times a second, at each queue that somebody waits at, for messages that have become visible: idle,
// that was most of what it did. Now it looks only while there are messages that may, delayed or received ones.
// infra/local/components/sqs-s3.test.ts shows that those who wait get them.
//
// kafkajs 2.2.4. Each connection looks whether a request waits its turn, a thousand times a second and when none does,
// with a timer whose time has passed (github.com/tulios/kafkajs, issue 1704), which Node warns of. And as long as one
// partition has no leader it reaches no partition of the topic. lib/events/relay.test.ts shows that the others are reached.
//
// A message costs it 20 µs to encode, and 2 now. Each record, header and small number was written into a buffer of its own,
// half a kilobyte that is filled with zeros first; a number that is always zero was made one of 64 bits; each message was
// added to those of its partition by a copy of them all; the length of each text was measured twice before it was written;
// and what was encoded was copied six times more on its way into the request, into buffers that grew. Now each record is
// written once, into what its request is made of, and a length or a checksum is filled in when it is known. The checksum
// itself took a byte at a time, and takes eight. patch.test.ts shows that it makes the same bytes of the same messages.
//
// A record costs it 2.5 µs to decode, most of it for its headers, two numbers of 64 bits and three slices, whether or not
// anybody wants them. Now it is stepped over, a fifth of a microsecond, and what it holds is read when it is asked for. One
// that is longer than it says is refused as it is stepped over; it used to hold less than it says.
// patch.test.ts shows that what is read is the same.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export const PATCHES = [
  {
    file: 'postgres/src/connection.js',
    before: '    clearImmediate(nextWriteTimer)\n    socket.removeListener',
    after: '    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener',
  },
  {
    file: 'postgres/src/connection.js',
    before: '  function nextWrite(fn) {\n    const x',
    after: `  function nextWrite(fn) {
    if (!socket) {
      chunk = nextWriteTimer = null
      error(Errors.connection('CONNECTION_CLOSED', options))
      return false
    }
    const x`,
  },
  {
    file: 'postgres/src/connection.js',
    before: `      return write(toBuffer(q))
        && !q.describeFirst
        && !q.cursorFn
        && sent.length < max_pipeline
        && (!q.options.onexecute || q.options.onexecute(connection))`,
    after: `      const written = write(toBuffer(q))
      q.options.onexecute && q.options.onexecute(connection)
      return written
        && !q.describeFirst
        && !q.cursorFn
        && !q.options.onexecute
        && sent.length < max_pipeline`,
  },
  {
    file: 'postgres/src/connection.js',
    before: `      sent.length === 0 && write(Sync)
      errored(error)
      return true`,
    after: `      if (query === q) {
        write(Sync)
        errored(error)
      } else {
        sent.remove(q)
        queryError(q, error)
      }
      return sent.length < max_pipeline`,
  },
  {
    file: 'postgres/src/connection.js',
    before: `    if (stream)
      return queryError(q, Errors.generic('COPY`,
    after: `    if (!socket) {
      queryError(q, Errors.connection('CONNECTION_CLOSED', options))
      return true
    }

    if (stream)
      return queryError(q, Errors.generic('COPY`,
  },
  {
    file: 'postgres/src/connection.js',
    before: `error(Errors.connection('CONNECTION_CLOSED', options, socket))
    closedTime = performance.now()`,
    after: `error(Errors.connection('CONNECTION_CLOSED', options, socket))
    query = results = errorResponse = null
    result = new Result()
    closedTime = performance.now()`,
  },
  {
    file: 'postgres/src/connection.js',
    before: `    onclose(connection, Errors.connection('CONNECTION_CLOSED', options, socket))
  }`,
    after: `    onclose(connection, Errors.connection('CONNECTION_CLOSED', options, socket))
    ending && !initial && terminate()
  }`,
  },
  {
    file: 'postgres/src/index.js',
    before: 'new Promise((_, reject) => connection.onclose = reject)',
    after: `new Promise((_, reject) => connection.onclose = (e) => {
          reject(e)
          while (queries.length)
            queries.shift().reject(e)
        })`,
  },
  {
    file: 'postgres/src/queue.js',
    before: `    shift: () => {`,
    after: `    pop: () => {
      const out = xs.pop()
      if (index === xs.length) {
        index = 0
        xs = []
      }
      return out
    },
    shift: () => {`,
  },
  {
    file: 'postgres/src/index.js',
    before: '? open.shift()',
    after: '? open.pop()',
  },
  {
    file: 'postgres/src/index.js',
    before: 'return go(open.shift(), query)',
    after: 'return go(open.pop(), query)',
  },
  {
    file: 'fauxqs/dist/app.js',
    before: 'bodyLimit: 11 * 1_048_576,',
    after: 'bodyLimit: 2 ** 31 - 1,',
  },
  {
    file: 'kafkajs/src/network/requestQueue/index.js',
    before: '    let scheduleAt = this.throttledUntil',
    after: '    if (this.pending.length === 0) return\n    let scheduleAt = this.throttledUntil',
  },
  {
    file: 'kafkajs/src/protocol/encoder.js',
    before: 'this.buf = Buffer.alloc(',
    after: 'this.buf = Buffer.allocUnsafe(',
  },
  {
    file: 'kafkajs/src/protocol/encoder.js',
    before: 'const newBuffer = Buffer.alloc(',
    after: 'const newBuffer = Buffer.allocUnsafe(',
  },
  {
    file: 'kafkajs/src/protocol/encoder.js',
    before: `  writeUVarInt(value) {
    const byteArray = []
    while ((value & UNSIGNED_INT32_MAX_NUMBER) !== 0) {
      byteArray.push((value & OTHER_BITS) | MOST_SIGNIFICANT_BIT)
      value >>>= 7
    }
    byteArray.push(value & OTHER_BITS)
    this.writeBufferInternal(Buffer.from(byteArray))
    return this
  }`,
    after: `  writeUVarInt(value) {
    this.ensureAvailable(5)
    while ((value & UNSIGNED_INT32_MAX_NUMBER) !== 0) {
      this.buf[this.offset++] = (value & OTHER_BITS) | MOST_SIGNIFICANT_BIT
      value >>>= 7
    }
    this.buf[this.offset++] = value & OTHER_BITS
    return this
  }`,
  },
  {
    file: 'kafkajs/src/protocol/encoder.js',
    before: '  writeVarLong(value) {\n',
    after: '  writeVarLong(value) {\n    if (value === 0) return this.writeUVarInt(0)\n',
  },
  {
    file: 'kafkajs/src/protocol/requests/metadata/v0/response.js',
    before: '    return topic.partitionMetadata.filter(partition => failure(partition.partitionErrorCode))',
    after: `    if (topic.partitionMetadata.some(partition => partition.leader >= 0)) return []
    return topic.partitionMetadata.filter(partition => failure(partition.partitionErrorCode))`,
  },
  {
    file: 'kafkajs/src/producer/groupMessagesPerPartition.js',
    before: `    const current = result[partition] || []
    return Object.assign(result, { [partition]: [...current, message] })`,
    after: `    result[partition] ||= []
    result[partition].push(message)
    return result`,
  },
  {
    file: 'kafkajs/src/protocol/encoder.js',
    before: `    const byteLength = Buffer.byteLength(value, 'utf8')
    this.writeVarInt(byteLength)
    this.ensureAvailable(byteLength)
    this.buf.write(value, this.offset, byteLength, 'utf8')
    this.offset += byteLength
    return this
  }`,
    after: `    const start = this.offset
    this.ensureAvailable(5 + 3 * value.length)
    // Of ASCII the length is known before it is written.
    this.writeVarInt(value.length)
    const byteLength = this.buf.write(value, this.offset)
    if (byteLength !== value.length) {
      this.offset = start
      this.writeVarInt(byteLength)
      this.buf.write(value, this.offset)
    }
    this.offset += byteLength
    return this
  }`,
  },
  {
    file: 'kafkajs/src/protocol/encoder.js',
    before: `      const valueToWrite = String(value)
      const byteLength = Buffer.byteLength(valueToWrite, 'utf8')
      this.writeVarInt(byteLength)
      this.ensureAvailable(byteLength)
      this.buf.write(valueToWrite, this.offset, byteLength, 'utf8')
      this.offset += byteLength
    }`,
    after: `      this.writeVarIntString(value)
    }`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/record/v0/index.js',
    before: `module.exports = ({ offsetDelta = 0, timestampDelta = 0, key, value, headers = {} }) => {
  const headersArray = Object.keys(headers).flatMap(headerKey =>
    !Array.isArray(headers[headerKey])
      ? [{ key: headerKey, value: headers[headerKey] }]
      : headers[headerKey].map(headerValue => ({ key: headerKey, value: headerValue }))
  )

  const sizeOfBody =
    1 + // always one byte for attributes
    Encoder.sizeOfVarLong(timestampDelta) +
    Encoder.sizeOfVarInt(offsetDelta) +
    Encoder.sizeOfVarIntBytes(key) +
    Encoder.sizeOfVarIntBytes(value) +
    sizeOfHeaders(headersArray)

  return new Encoder()
    .writeVarInt(sizeOfBody)
    .writeInt8(0)`,
    after: `module.exports = (encoder, { key, value, headers = {} }, offsetDelta, timestampDelta) => {
  const names = Object.keys(headers)
  let count = 0
  for (const name of names) count += Array.isArray(headers[name]) ? headers[name].length : 1

  const start = encoder.offset
  encoder
    .writeInt16(0) // room for the length, which is known in the end, and of most records takes two bytes
    .writeInt8(0)`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/record/v0/index.js',
    before: `    .writeVarIntArray(headersArray.map(Header))
}`,
    after: `    .writeVarInt(count)
  for (const name of names) {
    const header = headers[name]
    if (!Array.isArray(header)) encoder.writeVarIntString(name).writeVarIntBytes(header)
    else for (const each of header) encoder.writeVarIntString(name).writeVarIntBytes(each)
  }

  const end = encoder.offset
  const sizeOfBody = end - start - 2
  const more = Encoder.sizeOfVarInt(sizeOfBody) - 2
  if (more !== 0) {
    encoder.ensureAvailable(more)
    encoder.buf.copyWithin(start + 2 + more, start + 2, end)
  }
  encoder.offset = start
  encoder.writeVarInt(sizeOfBody)
  encoder.offset = end + more
}`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/index.js',
    before: 'const RecordBatch = async ({',
    after: 'const RecordBatch = async (encoder, {',
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/index.js',
    before: '  records = [],\n',
    after: '  count,\n  writeRecords,\n',
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/index.js',
    before: `  const batchBody = new Encoder()
    .writeInt16(attributes)`,
    after: `  const start = encoder.offset
  encoder
    .writeInt64(firstOffset)
    .writeInt32(0) // Length, known in the end
    .writeInt32(partitionLeaderEpoch)
    .writeInt8(MAGIC_BYTE)
    .writeUInt32(0) // CRC, known in the end
    .writeInt16(attributes)`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/index.js',
    before: `    .writeInt32(firstSequence)

  if (compression === Compression.None) {
    if (records.every(v => typeof v === typeof records[0])) {
      batchBody.writeArray(records, typeof records[0])
    } else {
      batchBody.writeArray(records)
    }
  } else {
    const compressedRecords = await compressRecords(compression, records)
    batchBody.writeInt32(records.length).writeBuffer(compressedRecords)
  }`,
    after: `    .writeInt32(firstSequence)
    .writeInt32(count)

  if (compression === Compression.None) writeRecords(encoder)
  else encoder.writeBuffer(await compressRecords(compression, writeRecords))`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/index.js',
    before: `  const batch = new Encoder()
    .writeInt32(partitionLeaderEpoch)
    .writeInt8(MAGIC_BYTE)
    .writeUInt32(crc32C(batchBody.buffer))
    .writeEncoder(batchBody)

  return new Encoder().writeInt64(firstOffset).writeBytes(batch.buffer)
}

const compressRecords = async (compression, records) => {`,
    after: `  encoder.buf.writeInt32BE(encoder.offset - start - 12, start + 8)
  encoder.buf.writeUInt32BE(crc32C(encoder.buffer.subarray(start + 21)), start + 17)
}

const compressRecords = async (compression, writeRecords) => {`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/index.js',
    before: '  recordsEncoder.writeEncoderArray(records)\n',
    after: '  writeRecords(recordsEncoder)\n',
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/crc32C/crc32C.js',
    before: `  let crc = 0 ^ -1
  for (let i = 0; i < buffer.length; i++) {
    crc = T[(crc ^ buffer[i]) & 0xff] ^ (crc >>> 8)
  }
`,
    after: `  const { length } = buffer
  let crc = 0 ^ -1
  let i = 0
  for (; i + 8 <= length; i += 8) {
    crc ^= buffer[i] | (buffer[i + 1] << 8) | (buffer[i + 2] << 16) | (buffer[i + 3] << 24)
    crc =
      T8[0x700 | (crc & 0xff)] ^
      T8[0x600 | ((crc >>> 8) & 0xff)] ^
      T8[0x500 | ((crc >>> 16) & 0xff)] ^
      T8[0x400 | (crc >>> 24)] ^
      T8[0x300 | buffer[i + 4]] ^
      T8[0x200 | buffer[i + 5]] ^
      T8[0x100 | buffer[i + 6]] ^
      T8[buffer[i + 7]]
  }
  for (; i < length; i++) {
    crc = T8[(crc ^ buffer[i]) & 0xff] ^ (crc >>> 8)
  }
`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/crc32C/crc32C.js',
    before: '\n]);',
    after: `
]);

// What a byte is worth that is followed by up to seven others.
const T8 = new Int32Array(8 * 256)
T8.set(T)
for (let i = 256; i < T8.length; i++) T8[i] = T[T8[i - 256] & 0xff] ^ (T8[i - 256] >>> 8)`,
  },
  {
    file: 'kafkajs/src/protocol/requests/produce/v3/request.js',
    before: `    const encodedTopicData = []

    for (const data of topicData) {
      encodedTopicData.push(
        await encodeTopic({ ...data, transactionalId, producerId, producerEpoch })
      )
    }

    return new Encoder()
      .writeString(transactionalId)
      .writeInt16(acks)
      .writeInt32(timeout)
      .writeArray(encodedTopicData)
`,
    after: `    const encoder = new Encoder(FIRST_SIZE)
      .writeString(transactionalId)
      .writeInt16(acks)
      .writeInt32(timeout)
      .writeInt32(topicData.length)

    for (const data of topicData) {
      await encodeTopic(encoder, { ...data, transactionalId, producerId, producerEpoch })
    }

    return encoder
`,
  },
  {
    file: 'kafkajs/src/protocol/requests/produce/v3/request.js',
    before: 'const topicEncoder = compression => async ({',
    after: `// Bytes
const FIRST_SIZE = 65535

const topicEncoder = compression => async (encoder, {`,
  },
  {
    file: 'kafkajs/src/protocol/requests/produce/v3/request.js',
    before: `  const encodedPartitions = []

  for (const data of partitions) {
    encodedPartitions.push(
      await encodePartitions({ ...data, transactionalId, producerId, producerEpoch })
    )
  }

  return new Encoder().writeString(topic).writeArray(encodedPartitions)
`,
    after: `  encoder.writeString(topic).writeInt32(partitions.length)

  for (const data of partitions) {
    await encodePartitions(encoder, { ...data, transactionalId, producerId, producerEpoch })
  }
`,
  },
  {
    file: 'kafkajs/src/protocol/requests/produce/v3/request.js',
    before: 'const partitionsEncoder = compression => async ({',
    after: 'const partitionsEncoder = compression => async (encoder, {',
  },
  {
    file: 'kafkajs/src/protocol/requests/produce/v3/request.js',
    before: `  const records = messages.map((message, i) =>
    Record({
      ...message,
      offsetDelta: i,
      timestampDelta: (message.timestamp || dateNow) - firstTimestamp,
    })
  )

  const recordBatch = await RecordBatch({
    compression,
    records,
`,
    after: `  encoder.writeInt32(partition).writeInt32(0) // the size, known in the end
  const start = encoder.offset

  await RecordBatch(encoder, {
    compression,
    count: messages.length,
    writeRecords: to =>
      messages.forEach((message, i) =>
        Record(to, message, i, (message.timestamp || dateNow) - firstTimestamp)
      ),
`,
  },
  {
    file: 'kafkajs/src/protocol/requests/produce/v3/request.js',
    before: `    lastOffsetDelta: records.length - 1,
  })

  return new Encoder()
    .writeInt32(partition)
    .writeInt32(recordBatch.size())
    .writeEncoder(recordBatch)
`,
    after: `    lastOffsetDelta: messages.length - 1,
  })

  encoder.buf.writeInt32BE(encoder.offset - start, start - 4)
`,
  },
  {
    file: 'kafkajs/src/protocol/request.js',
    before: `  const requestPayload = new Encoder()
    .writeInt16(apiKey)`,
    after: `  const sized = new Encoder(payload.size() + 511)
    .writeInt32(0) // the size, known in the end
    .writeInt16(apiKey)`,
  },
  {
    file: 'kafkajs/src/protocol/request.js',
    before: '  return new Encoder().writeInt32(requestPayload.size()).writeEncoder(requestPayload)\n',
    after: `  sized.buf.writeInt32BE(sized.size() - 4, 0)
  return sized
`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/v0/decoder.js',
    before: `  const recordBuffer = decoder.readVarIntBytes()
  return RecordDecoder(new Decoder(recordBuffer), recordContext)
`,
    after: `  const length = decoder.readVarInt()
  const end = Math.min(decoder.offset + length, decoder.buffer.length)
  const record = RecordDecoder(decoder, end, recordContext)
  decoder.offset = end
  return record
`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js',
    before: "const Long = require('../../../../utils/long')\n",
    after: `const Long = require('../../../../utils/long')
const Decoder = require('../../../decoder')
const { KafkaJSInvalidLongError } = require('../../../../errors')
`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js',
    before: `module.exports = (decoder, batchContext = {}) => {
  const {
    firstOffset,
    firstTimestamp,
    magicByte,
    isControlBatch = false,
    timestampType,
    maxTimestamp,
  } = batchContext
  const attributes = decoder.readInt8()

  const timestampDelta = decoder.readVarLong()
  const timestamp =
    timestampType === TimestampTypes.LOG_APPEND_TIME && maxTimestamp
      ? maxTimestamp
      : Long.fromValue(firstTimestamp)
          .add(timestampDelta)
          .toString()

  const offsetDelta = decoder.readVarInt()
  const offset = Long.fromValue(firstOffset)
    .add(offsetDelta)
    .toString()

  const key = decoder.readVarIntBytes()
  const value = decoder.readVarIntBytes()
  const headers = decoder.readVarIntArray(HeaderDecoder).reduce(
    (obj, { key, value }) => ({
      ...obj,
      [key]:
        obj[key] === undefined
          ? value
          : Array.isArray(obj[key])
          ? obj[key].concat([value])
          : [obj[key], value],
    }),
    {}
  )

  return {
    magicByte,
    attributes, // Record level attributes are presently unused
    timestamp,
    offset,
    key,
    value,
    headers,
    isControlRecord: isControlBatch,
    batchContext,
  }
}
`,
    after: `module.exports = (decoder, end, batchContext) => new Record(decoder, end, batchContext)

/** Steps over a record that ends at \`end\`. What it holds is read when it is asked for. */
class Record {
  #buffer
  #start
  #offsetDelta
  #keyAt
  #valueAt
  #headersAt

  constructor(decoder, end, batchContext) {
    this.batchContext = batchContext
    this.#buffer = decoder.buffer
    this.#start = decoder.offset
    decoder.forward(1)
    skipVarLong(decoder)
    this.#offsetDelta = decoder.readVarInt()
    this.#keyAt = decoder.offset
    skipVarIntBytes(decoder)
    this.#valueAt = decoder.offset
    skipVarIntBytes(decoder)
    this.#headersAt = decoder.offset
    const headers = decoder.readVarInt()
    if (headers < -1) throw new RangeError(\`A record has \${headers} headers\`)
    for (let i = 0; i < headers && decoder.offset <= end; i++) {
      skipVarIntBytes(decoder)
      skipVarIntBytes(decoder)
    }
    if (decoder.offset > end) throw new RangeError('A record is longer than it says')
  }

  #at(offset) {
    const decoder = new Decoder(this.#buffer)
    decoder.offset = offset
    return decoder
  }

  get magicByte() {
    return this.batchContext.magicByte
  }

  get isControlRecord() {
    return this.batchContext.isControlBatch
  }

  get attributes() {
    return this.#at(this.#start).readInt8()
  }

  get timestamp() {
    const { timestampType, maxTimestamp, firstTimestamp } = this.batchContext
    if (timestampType === TimestampTypes.LOG_APPEND_TIME && maxTimestamp) return maxTimestamp
    return Long.fromValue(firstTimestamp)
      .add(this.#at(this.#start + 1).readVarLong())
      .toString()
  }

  get offset() {
    return Long.fromValue(this.batchContext.firstOffset)
      .add(this.#offsetDelta)
      .toString()
  }

  get key() {
    return this.#at(this.#keyAt).readVarIntBytes()
  }

  get value() {
    return this.#at(this.#valueAt).readVarIntBytes()
  }

  get headers() {
    const headers = new Map()
    for (const { key, value } of this.#at(this.#headersAt).readVarIntArray(HeaderDecoder)) {
      headers.set(key, headers.has(key) ? [headers.get(key), value].flat() : value)
    }
    return Object.fromEntries(headers)
  }
}

const skipVarLong = decoder => {
  for (let bytes = 1; decoder.buffer[decoder.offset++] >= 0x80; bytes++) {
    if (bytes === 10) throw new KafkaJSInvalidLongError('Invalid Long, must contain 9 bytes or less')
  }
}

const skipVarIntBytes = decoder => {
  const length = decoder.readVarInt()
  if (length < -1) throw new RangeError(\`A record holds \${length} bytes\`)
  if (length > 0) decoder.forward(length)
}
`,
  },
  {
    file: 'kafkajs/src/consumer/batch.js',
    before: `    this.messagesWithinOffset = this.rawMessages.filter(message =>
      Long.fromValue(message.offset).gte(longFetchedOffset)
    )
`,
    after: `    // Each one's is higher than that of the one before.
    const first = this.rawMessages.findIndex(message =>
      Long.fromValue(message.offset).gte(longFetchedOffset)
    )
    this.messagesWithinOffset = first === -1 ? [] : this.rawMessages.slice(first)
`,
  },
  {
    file: 'fauxqs/dist/sqs/sqsStore.js',
    before: `        if (this.pollTimer)
            return;
        this.pollTimer = setInterval(() => {
            this.processTimers();
        }, 20);
    }`,
    after: `        if (this.pollTimer || this.pollWaiters.length === 0 || !this.hasHiddenMessages())
            return;
        this.pollTimer = setInterval(() => {
            this.processTimers();
            if (!this.hasHiddenMessages()) {
                clearInterval(this.pollTimer);
                this.pollTimer = undefined;
            }
        }, 20);
    }
    hasHiddenMessages() {
        return this.isFifo() || this.delayedMessages.length > 0 || this.inflightMessages.size > 0;
    }`,
  },
  {
    file: 'fauxqs/dist/sqs/sqsStore.js',
    before: '            this.delayedMessages.push(msg);\n        }\n        else {',
    after:
      '            this.delayedMessages.push(msg);\n            this.startPollTimerIfNeeded();\n        }\n        else {',
  },
]

for (const { file, before, after } of PATCHES) {
  const path = new URL(`../../node_modules/${file}`, import.meta.url)
  // What is for development only is not everywhere.
  if (!existsSync(path)) continue
  const text = readFileSync(path, 'utf8')
  if (text.includes(after)) continue
  if (text.split(before).length !== 2)
    throw new Error(`${file} has changed: see whether it still needs infra/npm/patch.mjs`)
  writeFileSync(
    path,
    text.replace(before, () => after),
  )
}
