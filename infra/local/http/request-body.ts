import type { IncomingMessage, ServerResponse } from 'node:http'
import { StintError } from '../../../lib/core/errors.ts'

/** The caller hung up before the request was complete: there is nobody to answer. */
export class CallerGoneError extends Error {
  override readonly name = 'CallerGoneError'
}

const NOTHING = Buffer.alloc(0)

/** How long, and how much, an answered caller may go on sending before the connection is cut. */
const DISCARD_MS = 2_000
const DISCARD_BYTES = 64 * 1024 * 1024

/** What all bodies of one server that have not come whole may hold together: 64 of the largest. */
const MAX_ARRIVING_BYTES = 256 * 1024 * 1024

interface Arriving {
  bytes: number
  giveUp(): void
}

/**
 * Reads requests' bodies. One of more than `maxBytes` is refused as soon as that is known, and not kept. While bodies hold more
 * than `maxArrivingBytes` together, the one that began first is given up: who sends slowly, or stops, takes no memory from
 * those who don't.
 * @returns what gives a request's body @throws {StintError} PAYLOAD_TOO_LARGE, UNAVAILABLE @throws {CallerGoneError}
 */
export const createBodyReader = ({ maxBytes, maxArrivingBytes = MAX_ARRIVING_BYTES }: BodyLimits) => {
  const arriving = new Set<Arriving>()
  let arrivingBytes = 0
  return (request: IncomingMessage): Promise<Buffer> => {
    const declared = request.headers['content-length']
    if (declared === undefined && request.headers['transfer-encoding'] === undefined) return Promise.resolve(NOTHING)
    if (Number(declared) > maxBytes) return Promise.reject(tooLarge(maxBytes))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      const settle = (done: () => void): void => {
        request.off('data', take).off('end', finish).off('close', leave).off('error', leave)
        arriving.delete(body)
        arrivingBytes -= body.bytes
        done()
      }
      const body: Arriving = { bytes: 0, giveUp: () => settle(() => reject(givenUp())) }
      const take = (chunk: Buffer): void => {
        body.bytes += chunk.length
        arrivingBytes += chunk.length
        chunks.push(chunk)
        if (body.bytes > maxBytes) settle(() => reject(tooLarge(maxBytes)))
        else if (arrivingBytes > maxArrivingBytes) arriving.values().next().value?.giveUp()
      }
      const finish = (): void =>
        settle(() => resolve(chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks)))
      const leave = (): void => settle(() => reject(new CallerGoneError()))
      arriving.add(body)
      request.on('data', take).on('end', finish).on('close', leave).on('error', leave)
    })
  }
}

interface BodyLimits {
  maxBytes: number
  /** Less in tests. */
  maxArrivingBytes?: number | undefined
}

const tooLarge = (maxBytes: number): StintError =>
  new StintError('PAYLOAD_TOO_LARGE', `A body may have ${maxBytes} bytes.`)

const givenUp = (): StintError =>
  new StintError('UNAVAILABLE', 'Too many large bodies are on their way, and this one was the slowest to come.')

/**
 * Ends an answer that was given before the whole request was read. Closing at once would reset the connection, and a caller that
 * is still sending would never see the answer. So the rest of the request is read and dropped, for a while.
 */
export const endUnread = (request: IncomingMessage, response: ServerResponse, body: Buffer | string): void => {
  response.write(body)
  let dropped = 0
  const end = (): void => {
    clearTimeout(timer)
    response.end()
    request.socket.destroySoon()
  }
  const timer = setTimeout(end, DISCARD_MS)
  request.on('error', () => {})
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length
    if (dropped > DISCARD_BYTES) end()
  })
  request.once('end', end)
  request.once('close', () => clearTimeout(timer))
  request.resume()
}
