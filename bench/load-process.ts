import { connect, type Socket } from 'node:net'
import { quantile } from './measures/quantile.ts'

// The load generator, a process of its own: keep-alive connections, each with one request under way. It speaks just the
// HTTP that it needs, so that it takes little of the machine that it measures.

export interface LoadOptions {
  port: number
  method: string
  path: string
  token: string
  body: string
  connections: number
  warmUpMs: number
  durationMs: number
}

export interface LoadResult {
  answered: number
  /** Including the warm-up. */
  sent: number
  /** Answers other than 2xx, and connections that broke. */
  failed: number
  firstFailure: string | undefined
  seconds: number
  p50Ms: number
  p99Ms: number
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')

const run = async (options: LoadOptions): Promise<LoadResult> => {
  const { port, method, path, token, body, connections, warmUpMs, durationMs } = options
  const request = Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: localhost:${port}\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const from = performance.now() + warmUpMs
  const until = from + durationMs
  const latencies: number[] = []
  let failed = 0
  let sent = 0
  let firstFailure: string | undefined

  const ended = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true })).map(
    (socket) =>
      new Promise<void>((resolve) => {
        let sentAt = 0
        const send = (): void => {
          sentAt = performance.now()
          if (sentAt >= until) socket.end(resolve)
          else {
            sent++
            socket.write(request)
          }
        }
        const fail = (reason: string): void => {
          failed++
          firstFailure ??= reason
        }
        readAnswers(socket, (status, text) => {
          const now = performance.now()
          if (status < 200 || status > 299) fail(`${status} ${text()}`)
          else if (sentAt >= from && now <= until) latencies.push(now - sentAt)
          send()
        })
        socket.on('connect', send)
        socket.on('error', (error) => {
          fail(String(error))
          resolve()
        })
      }),
  )
  await Promise.all(ended)
  return {
    answered: latencies.length,
    sent,
    failed,
    firstFailure,
    seconds: durationMs / 1_000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  }
}

const readAnswers = (socket: Socket, onAnswer: (status: number, text: () => string) => void): void => {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const head = rest.indexOf(END_OF_HEAD)
    if (head < 0) return
    const text = rest.toString('latin1', 0, head)
    const end = head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
    if (rest.length < end) return
    const answer = rest
    rest = Buffer.alloc(0)
    onAnswer(Number(text.slice(9, 12)), () => answer.toString('utf8', head + 4, Math.min(end, head + 300)))
  })
}

process.once('message', async (options: LoadOptions) => {
  process.send?.(await run(options), () => process.exit(0))
})
