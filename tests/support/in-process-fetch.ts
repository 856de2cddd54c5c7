import type { App } from '../../lib/app.ts'
import { call } from './http-client.ts'

/** A `fetch` that ends in the real handlers, without a server between: for whatever takes one. */
export const inProcessFetch =
  (app: App): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init)
    const bytes = Buffer.from(await request.arrayBuffer())
    const { pathname, search } = new URL(request.url)
    const answer = await call(app, request.method, `${pathname}${search}`, {
      headers: Object.fromEntries(request.headers),
      ...(bytes.length > 0 && { body: bytes }),
    })
    request.signal.throwIfAborted()
    const { status, headers, body } = answer
    const isPlain = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    return new Response(isPlain ? body : JSON.stringify(body), { status, headers })
  }
