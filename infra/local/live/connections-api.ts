import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StintError } from '../../../lib/core/errors.ts'
import { MAX_FRAME_BYTES } from '../../../lib/live/frames.ts'
import { createBodyReader } from '../http/request-body.ts'
import type { Connections } from './connections.ts'

export interface ConnectionsApi {
  /** What LIVE_MANAGEMENT_URL is. */
  url: string
  close(): Promise<void>
}

const KEEP_ALIVE_MS = 65_000

const readBody = createBodyReader({ maxBytes: MAX_FRAME_BYTES })

interface Reply {
  status: number
  error?: string
}

/**
 * What functions use of API Gateway's @connections API: to post and to end. On a port of its own that only this machine
 * reaches, since signatures are not checked here.
 */
export const startConnectionsApi = async (connections: Connections): Promise<ConnectionsApi> => {
  // After Node's five seconds it would close idle connections, perhaps just as the client, on a busy machine, uses them again.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    answer(connections, request).then(
      (reply) => respond(response, reply),
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const answer = async (connections: Connections, request: IncomingMessage): Promise<Reply> => {
  const id = connectionIdOf(request.url ?? '')
  if (id === undefined) return { status: 404, error: 'NotFoundException' }
  const connection = connections.find(id)
  if (!connection) return { status: 410, error: 'GoneException' }
  switch (request.method) {
    case 'POST':
      return post(connections, id, request)
    case 'DELETE':
      connection.socket.close(1_000)
      return { status: 204 }
    default:
      return { status: 403, error: 'ForbiddenException' }
  }
}

const post = async (connections: Connections, id: string, request: IncomingMessage): Promise<Reply> => {
  try {
    const body = await readBody(request)
    return connections.send(id, body.toString('utf8')) ? { status: 200 } : { status: 410, error: 'GoneException' }
  } catch (error) {
    if (error instanceof StintError) return { status: 413, error: 'PayloadTooLargeException' }
    throw error
  }
}

const connectionIdOf = (url: string): string | undefined => {
  const encoded = /^\/@connections\/([^/?]+)$/i.exec(url.replace(/^\/%40/, '/@'))?.[1]
  try {
    return encoded && decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

const respond = (response: ServerResponse, { status, error }: Reply): void => {
  const text = error ? JSON.stringify({ message: error }) : ''
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(error && { 'x-amzn-errortype': error }),
  })
  response.end(text)
}
