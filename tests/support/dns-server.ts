import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

export interface DnsServer {
  /** As `WEB_DNS_SERVERS` takes it. */
  address: string
  /** The names that were asked for IPv4 addresses, one per question. */
  asked: string[]
  close(): void
}

const TYPE_A = 1
const TYPE_AAAA = 28
const NO_SUCH_NAME = 3

/**
 * A DNS server that answers as the test says, each question anew; nothing it says may be kept (TTL 0).
 * @param answer the addresses of a name when it is asked for the n-th time, from 1; none of either family: no such name
 */
export const startDnsServer = async (answer: (name: string, nth: number) => string[]): Promise<DnsServer> => {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, sender) => {
    const { name, type, end } = readQuestion(query)
    if (type === TYPE_A) asked.push(name)
    const nth = Math.max(1, asked.filter((it) => it === name).length)
    const all = answer(name, nth)
    const fitting = all.filter((address) => isIPv4(address) === (type === TYPE_A))
    const records = type === TYPE_A || type === TYPE_AAAA ? fitting.map((it) => record(type, it)) : []
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | (all.length === 0 ? NO_SUCH_NAME : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records.length, 6)
    socket.send(Buffer.concat([head, query.subarray(12, end), ...records]), sender.port, sender.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() }
}

const readQuestion = (query: Buffer): { name: string; type: number; end: number } => {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

const record = (type: number, address: string): Buffer => {
  const data = type === TYPE_A ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address)
  const head = Buffer.alloc(12)
  // The name of the question.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

const ipv6Bytes = (address: string): Buffer => {
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : [])
  const [left, right] = address.split('::')
  const [begin, end] = [groups(left), groups(right)]
  const all = [...begin, ...Array<string>(8 - begin.length - end.length).fill('0'), ...end]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
