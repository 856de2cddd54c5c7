import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const OF_THIS_MACHINE = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Lets pages send and fetch files, as the bucket on AWS does (infra/deploy/bucket.yml): fauxqs knows no CORS. Only pages of
 * this machine: fauxqs checks no signatures, so any page in the world could read it through the user's browser, or delete
 * what is there, which needs no CORS. A page whose own name leads to this machine is told by the Host that it asks for.
 */
export const allowOwnPages = (server: Server): void => {
  const emit = server.emit.bind(server)
  server.emit = (event: string, ...args: unknown[]): boolean => {
    const [request, response] = args as [IncomingMessage, ServerResponse]
    if (event !== 'request') return emit(event, ...args)
    const { origin, host } = request.headers
    const isOwn = OF_THIS_MACHINE.test(`http://${host}`) && (origin === undefined || OF_THIS_MACHINE.test(origin))
    if (!isOwn) {
      response.writeHead(403, { connection: 'close' }).end()
      return true
    }
    if (origin === undefined) return emit(event, ...args)
    response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'origin')
    if (request.method !== 'OPTIONS') return emit(event, ...args)
    response.writeHead(204, { 'access-control-allow-methods': 'GET,PUT', 'access-control-allow-headers': '*' }).end()
    return true
  }
}
