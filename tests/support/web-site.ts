import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a path answers: a page's HTML, or whatever a function does. */
export type Page = string | ((request: IncomingMessage, response: ServerResponse) => void)

export interface WebSite {
  /** `http://127.0.0.1:port`. */
  origin: string
  /** As `WEB_ALLOWED_HOSTS` takes it. */
  host: string
  pages: Record<string, Page>
  /** The paths that were asked for, in order. */
  asked: string[]
  close(): void
}

/** A site on this machine; what it doesn't have is 404. */
export const startWebSite = async (): Promise<WebSite> => {
  const asked: string[] = []
  const pages: Record<string, Page> = {}
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const page = pages[path]
    if (typeof page === 'function') page(request, response)
    else if (page === undefined) response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found')
    else response.writeHead(200, { 'content-type': path.endsWith('.txt') ? 'text/plain' : 'text/html' }).end(page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin: `http://${host}`,
    host,
    pages,
    asked,
    close: () => server.close().closeAllConnections(),
  }
}
