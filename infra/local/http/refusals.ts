import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, StintError } from '../../../lib/core/errors.ts'
import { toProblem } from '../../../lib/http/problem.ts'

// Answers to what never became a request. No response object exists for them, so they are written to the connection.

const REFUSALS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/** Answers what never became a request: it isn't HTTP, its headers are too large, or it didn't arrive in time. */
export const refuseMalformedRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else socket.end(rawRefusal(REFUSALS[error.code ?? ''] ?? 'MALFORMED_REQUEST'))
}

/** One connection too many isn't waited for. */
export const refuseConnection = (socket: Socket): void => {
  socket.write(rawRefusal('UNAVAILABLE', 'Too many connections are open, all of them busy.'))
  socket.destroySoon()
}

/** The last answer of a connection, as it goes over the wire. */
const rawRefusal = (code: ErrorCode, detail?: string): string => {
  const requestId = randomUUID()
  const { statusCode = 400, headers, body = '' } = toProblem(new StintError(code, detail), requestId, undefined)
  const lines = Object.entries({
    ...headers,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n${lines.join('')}\r\n${body}`
}
