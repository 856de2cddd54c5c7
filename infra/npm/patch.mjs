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
// with a timer whose time has passed (github.com/tulios/kafkajs, issue 1704), which Node warns of. What it writes,
// each header and each small number too, goes through a buffer of its own, half a kilobyte that is filled with zeros first:
// a third of what an event costs to encode. A number that is always zero is made one of 64 bits, and each message is added
// to those of its partition by a copy of them all: together with the buffers that is a fifth of what an event costs the relay.
// And as long as one partition has no leader it reaches no partition of the topic. lib/events/relay.test.ts shows that the
// others are reached.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const PATCHES = [
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
    before: '  static sizeOfVarLong(value) {\n',
    after: '  static sizeOfVarLong(value) {\n    if (value === 0) return 1\n',
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
    file: 'kafkajs/src/protocol/recordBatch/record/v0/index.js',
    before: `  return new Encoder()
    .writeVarInt(sizeOfBody)`,
    after: `  const record = new Encoder(sizeOfBody + 5)
    .writeVarInt(sizeOfBody)`,
  },
  {
    file: 'kafkajs/src/protocol/recordBatch/record/v0/index.js',
    before: `    .writeVarIntArray(headersArray.map(Header))
}`,
    after: `    .writeVarInt(headersArray.length)
  for (const { key, value } of headersArray) record.writeVarIntString(key).writeVarIntBytes(value)
  return record
}`,
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
