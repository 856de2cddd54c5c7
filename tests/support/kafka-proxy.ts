import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What stands before a broker and has some partitions say that they have too few replicas, as with a broker that is away. */
export interface KafkaProxy {
  address: string
  /** Partitions that take nothing for certain: what they are sent is kept all the same, or not. */
  failing: Set<number>
  close(): void
}

const PRODUCE = 0
const METADATA = 3
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20

export const startKafkaProxy = async (broker: string): Promise<KafkaProxy> => {
  const [host = '', brokerPort] = broker.split(':')
  const failing = new Set<number>()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(brokerPort), host)
    /** API and version of the requests that wait for their answers, which come in their order. */
    const asked: { api: number; version: number }[] = []
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [client, upstream].map((it) => it.destroy()))
    }
    eachFrame(client, (frame) => {
      asked.push({ api: frame.readInt16BE(4), version: frame.readInt16BE(6) })
      upstream.write(frame)
    })
    eachFrame(upstream, (frame) => {
      const { api, version } = asked.shift() ?? { api: -1, version: 0 }
      if (api === METADATA) renamePort(frame, host, Number(brokerPort), port)
      if (api === PRODUCE) fail(frame, version, failing)
      client.write(frame)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { address: `127.0.0.1:${port}`, failing, close }
}

/** Calls with each request or response, its four bytes of length included. */
const eachFrame = (socket: Socket, take: (frame: Buffer) => void): void => {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0)
      take(Buffer.from(rest.subarray(0, length)))
      rest = rest.subarray(length)
    }
  })
}

const renamePort = (frame: Buffer, host: string, from: number, to: number): void => {
  const named = Buffer.concat([Buffer.from(host), Buffer.alloc(4)])
  named.writeInt32BE(from, host.length)
  for (let at = frame.indexOf(named); at >= 0; at = frame.indexOf(named, at + 1))
    frame.writeInt32BE(to, at + host.length)
}

/** Of the one topic: per partition a number, an error and offsets, which grew with the versions. */
const fail = (frame: Buffer, version: number, failing: Set<number>): void => {
  const name = 12
  let at = name + 2 + frame.readInt16BE(name)
  const count = frame.readInt32BE(at)
  at += 4
  for (let i = 0; i < count; i++) {
    if (failing.has(frame.readInt32BE(at))) frame.writeInt16BE(NOT_ENOUGH_REPLICAS_AFTER_APPEND, at + 4)
    at += version >= 5 ? 30 : version >= 2 ? 22 : 14
  }
}
