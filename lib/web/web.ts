import { Agent, type Dispatcher } from 'undici'
import type { Config } from '../core/config.ts'
import { ACCEPT_ENCODING, readBody } from './body.ts'
import { publicConnector, resolver } from './connector.ts'
import { type Permissions, permittedUrl } from './permitted.ts'
import { toWebError, WebError } from './web-error.ts'

const MAX_REDIRECTS = 5
const MAX_HEADER_BYTES = 32 * 1024
/** Shorter in tests. */
const PATIENCE = {
  /** Until the headers have come, and between two chunks of a body. */
  silenceMs: 10_000,
  /** For the whole fetch, including redirects. */
  totalMs: 30_000,
}
/** As it comes over the wire, compressed. */
const MAX_WIRE_BYTES = 20 * 1024 * 1024

export interface FetchOptions {
  /** Of the decompressed body. */
  maxBytes: number
  /** Whether a longer body is cut there, instead of being an error. */
  cut?: boolean
  /** Whether to read a body of this type; otherwise `bytes` is empty. */
  wants?: (contentType: string) => boolean
  signal?: AbortSignal
}

export interface WebAnswer {
  /** Where it came from, after the redirects. */
  url: URL
  redirects: number
  status: number
  /** In lower case, with its parameters; empty without one. */
  contentType: string
  bytes: Buffer
}

/** The public web, for jobs that fetch URLs given by strangers. */
export interface Web {
  /**
   * GETs a page of the public internet, following at most five redirects. Each connection checks its own address.
   * @throws {WebError} @throws the signal's reason
   */
  get(url: string, options: FetchOptions): Promise<WebAnswer>
  /** What a crawler waits between two requests to one host. */
  crawlDelaySeconds: number
  close(): Promise<void>
}

export const createWeb = (
  { web, version }: Pick<Config, 'web' | 'version'>,
  patience: Partial<typeof PATIENCE> = {},
): Web => {
  const { silenceMs, totalMs } = { ...PATIENCE, ...patience }
  const agent = new Agent({
    connect: publicConnector(resolver(web.dnsServers), web),
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxResponseSize: MAX_WIRE_BYTES,
    connections: 2,
  })
  const headers = {
    'user-agent': `Stint/${version} (page.parse)`,
    accept: 'text/html, application/xhtml+xml, text/plain;q=0.5, */*;q=0.1',
    'accept-encoding': ACCEPT_ENCODING,
  }
  return {
    get: (url, options) => follow({ agent, headers, permissions: web, totalMs }, url, options),
    crawlDelaySeconds: web.crawlDelaySeconds,
    close: () => agent.destroy(),
  }
}

interface Client {
  agent: Agent
  headers: Record<string, string>
  permissions: Permissions
  totalMs: number
}

const follow = async (client: Client, first: string, options: FetchOptions): Promise<WebAnswer> => {
  const timeout = AbortSignal.timeout(client.totalMs)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  let url = permittedUrl(first, client.permissions)
  for (let redirects = 0; ; redirects++) {
    try {
      const answer = await client.agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'GET',
        headers: client.headers,
        signal,
      })
      const location = redirectOf(answer)
      if (location === undefined) return { url, redirects, ...(await receive(answer, url, options)) }
      discard(answer.body)
      if (redirects === MAX_REDIRECTS)
        throw new WebError('TOO_MANY_REDIRECTS', `${first.slice(0, 200)} redirects more than ${MAX_REDIRECTS} times.`)
      url = permittedUrl(location, client.permissions, url)
    } catch (error) {
      options.signal?.throwIfAborted()
      throw toWebError(timeout.aborted ? timeout.reason : error, url.host)
    }
  }
}

const receive = async (
  { statusCode, headers, body }: Dispatcher.ResponseData,
  url: URL,
  { maxBytes, cut = false, wants = () => true }: FetchOptions,
): Promise<Pick<WebAnswer, 'status' | 'contentType' | 'bytes'>> => {
  const contentType = headerOf(headers, 'content-type').toLowerCase()
  try {
    const encoding = headerOf(headers, 'content-encoding').trim().toLowerCase()
    const bytes = wants(contentType)
      ? await readBody(body, { encoding, maxBytes, cut, host: url.host })
      : Buffer.alloc(0)
    return { status: statusCode, contentType, bytes }
  } finally {
    discard(body)
  }
}

/** A body that isn't read to its end would hold its connection. */
const discard = (body: Dispatcher.ResponseData['body']): void => {
  body.on('error', () => {}).destroy()
}

const redirectOf = ({ statusCode, headers }: Dispatcher.ResponseData): string | undefined => {
  // Headers are decoded as Latin-1, but a Location that isn't ASCII is taken for UTF-8, as browsers do.
  const location = Buffer.from(headerOf(headers, 'location'), 'latin1').toString()
  return [301, 302, 303, 307, 308].includes(statusCode) && location ? location : undefined
}

const headerOf = (headers: Dispatcher.ResponseData['headers'], name: string): string => {
  const value = headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
