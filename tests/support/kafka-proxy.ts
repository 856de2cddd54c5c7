import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What stands before a broker and has some partitions say that they have too few replicas, as with a broker that is away. */
export interface KafkaProxy {
  address: string
  /** Partitions that take nothing. */
  failing: Set<number>
  /** Partitions that have no leader, as when the only broker that has them is away. */
  leaderless: Set<number>
  /** How many requests of an API came: 8 is OffsetCommit. */
  requests(api: number): number
  close(): void
}

const PRODUCE = 0
const METADATA = 3
const LEADER_NOT_AVAILABLE = 5
const NOT_ENOUGH_REPLICAS = 19
/** Added to the number of a partition, there is none of that number: what it is sent comes to nothing. */
const NOWHERE = 1_000_000

export const startKafkaProxy = async (broker: string): Promise<KafkaProxy> => {
  const [host = '', brokerPort] = broker.split(':')
  const failing = new Set<number>()
  const leaderless = new Set<number>()
  const requests = new Map<number, number>()
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
      const [api, version] = [frame.readInt16BE(4), frame.readInt16BE(6)]
      asked.push({ api, version })
      requests.set(api, (requests.get(api) ?? 0) + 1)
      if (api === PRODUCE) misdirect(frame, version, failing)
      upstream.write(frame)
    })
    eachFrame(upstream, (frame) => {
      const { api, version } = asked.shift() ?? { api: -1, version: 0 }
      if (api === METADATA) {
        renamePort(frame, host, Number(brokerPort), port)
        depose(frame, leaderless)
      }
      if (api === PRODUCE) fail(frame, version)
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
  return { address: `127.0.0.1:${port}`, failing, leaderless, requests: (api) => requests.get(api) ?? 0, close }
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

/**
 * Since version 5: the pause that is asked for, the brokers, the cluster's name and its controller, and each topic with its
 * partitions: of each an error, its number, its leader, and its replicas in three lists.
 */
const depose = (frame: Buffer, leaderless: Set<number>): void => {
  let at = eachOf(frame, 12, (broker) => afterText(frame, afterText(frame, broker + 4) + 4))
  at = afterText(frame, at) + 4
  eachOf(frame, at, (topic) =>
    eachOf(frame, afterText(frame, topic + 2) + 1, (partition) => {
      if (leaderless.has(frame.readInt32BE(partition + 2))) {
        frame.writeInt16BE(LEADER_NOT_AVAILABLE, partition)
        frame.writeInt32BE(-1, partition + 6)
      }
      return [1, 2, 3].reduce((list) => eachOf(frame, list, (replica) => replica + 4), partition + 10)
    }),
  )
}

/** Each takes where an element begins, and tells where it ends. @returns where the list ends */
const eachOf = (frame: Buffer, list: number, each: (at: number) => number): number => {
  let at = list + 4
  for (let i = frame.readInt32BE(list); i > 0; i--) at = each(at)
  return at
}

/** What follows the client's name: since version 3 a transaction's, acks, a timeout, and of the one topic each partition's records. */
const misdirect = (frame: Buffer, version: number, failing: Set<number>): void => {
  let at = afterText(frame, 12)
  if (version >= 3) at = afterText(frame, at)
  at = afterText(frame, at + 10)
  const count = frame.readInt32BE(at)
  at += 4
  for (let i = 0; i < count; i++) {
    const partition = frame.readInt32BE(at)
    if (failing.has(partition)) frame.writeInt32BE(partition + NOWHERE, at)
    at += 8 + frame.readInt32BE(at + 4)
  }
}

/** Of the one topic: per partition a number, an error and offsets, which grew with the versions. */
const fail = (frame: Buffer, version: number): void => {
  let at = afterText(frame, 12)
  const count = frame.readInt32BE(at)
  at += 4
  for (let i = 0; i < count; i++) {
    const partition = frame.readInt32BE(at)
    if (partition >= NOWHERE) {
      frame.writeInt32BE(partition - NOWHERE, at)
      frame.writeInt16BE(NOT_ENOUGH_REPLICAS, at + 4)
    }
    at += version >= 5 ? 30 : version >= 2 ? 22 : 14
  }
}

/** The length of a text stands before it; -1 says that there is none. */
const afterText = (frame: Buffer, at: number): number => at + 2 + Math.max(0, frame.readInt16BE(at))
