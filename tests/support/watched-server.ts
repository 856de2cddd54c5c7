import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** PostgreSQL, and what is said to it. */
export interface WatchedServer {
  url: string
  /** How many statements were sent before the one ahead of them, on their connection, was answered. */
  early(): number
  /** From now on the connections that are open pass nothing on, nor are they closed: as if a machine or a network was gone. */
  fallSilent(): void
  close(): void
}

/** An answer is passed on after this long: what is sent ahead of it has arrived by then. */
const HELD_MS = 5

/** Stands before the server of a URL, and passes on what both sides say. */
export const watchServer = async (url: string): Promise<WatchedServer> => {
  let early = 0
  let silences = 0
  const sockets = new Set<Socket>()
  // Half open: one that is silent doesn't answer the end of its client either.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const database = connect(Number(new URL(url).port), new URL(url).hostname)
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('close', () => database.destroy())
    client.on('end', () => {
      if (!isSilent()) client.end()
    })
    database.on('close', () => client.destroy())
    let isWaiting = true
    const silencesBefore = silences
    const isSilent = () => silences > silencesBefore
    const fromClient = messages('startup', (type) => {
      if ('PQ'.includes(type) && isWaiting) early++
      if ('PQS'.includes(type)) isWaiting = true
    })
    const fromDatabase = messages('none', (type) => {
      if (type === 'Z') isWaiting = false
    })
    client.on('data', (bytes) => {
      if (isSilent()) return
      fromClient(bytes)
      database.write(bytes)
    })
    database.on('data', (bytes) => {
      setTimeout(() => {
        if (isSilent()) return
        fromDatabase(bytes)
        client.write(bytes)
      }, HELD_MS)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    // Without what names a Unix socket, if the server's URL does.
    url: Object.assign(new URL(url), { host: `127.0.0.1:${port}`, search: '' }).href,
    early: () => early,
    fallSilent: () => void silences++,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Tells the type of every message in a stream of bytes. A client's first one has none. */
const messages = (first: 'startup' | 'none', onMessage: (type: string) => void): ((bytes: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  let typeLength = first === 'startup' ? 0 : 1
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= typeLength + 4) {
      const length = typeLength + rest.readUInt32BE(typeLength)
      if (rest.length < length) return
      if (typeLength > 0) onMessage(rest.toString('latin1', 0, 1))
      rest = rest.subarray(length)
      typeLength = 1
    }
  }
}
