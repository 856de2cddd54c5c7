/** Why a page was not fetched. */
export type WebErrorCode =
  // May not be fetched, ever.
  | 'URL_REFUSED'
  | 'ADDRESS_REFUSED'
  // Was answered in a way that isn't accepted.
  | 'TOO_MANY_REDIRECTS'
  | 'RESPONSE_TOO_LARGE'
  | 'HEADERS_TOO_LARGE'
  | 'ENCODING_UNREADABLE'
  // May succeed the next time.
  | 'HTTP_ERROR'
  | 'ROBOTS_UNREADABLE'
  | 'NAME_NOT_FOUND'
  | 'TIMED_OUT'
  | 'UNREACHABLE'

const MAY_PASS: readonly WebErrorCode[] = [
  'HTTP_ERROR',
  'ROBOTS_UNREADABLE',
  'NAME_NOT_FOUND',
  'TIMED_OUT',
  'UNREACHABLE',
]

export class WebError extends Error {
  override readonly name = 'WebError'
  readonly code: WebErrorCode

  constructor(code: WebErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** Whether it may succeed the next time. */
  get mayPass(): boolean {
    return MAY_PASS.includes(this.code)
  }
}

const CODES: Record<string, WebErrorCode> = {
  ENOTFOUND: 'NAME_NOT_FOUND',
  ENODATA: 'NAME_NOT_FOUND',
  EAI_AGAIN: 'NAME_NOT_FOUND',
  UND_ERR_CONNECT_TIMEOUT: 'TIMED_OUT',
  UND_ERR_HEADERS_TIMEOUT: 'TIMED_OUT',
  UND_ERR_BODY_TIMEOUT: 'TIMED_OUT',
  ETIMEDOUT: 'TIMED_OUT',
  UND_ERR_HEADERS_OVERFLOW: 'HEADERS_TOO_LARGE',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'RESPONSE_TOO_LARGE',
}

/** Translates what the HTTP client, the resolver or zlib threw. Of a connection it only says that it failed. */
export const toWebError = (error: unknown, host: string): WebError => {
  if (error instanceof WebError) return error
  const { name, code } = error as { name?: string; code?: unknown }
  if (name === 'TimeoutError') return new WebError('TIMED_OUT', `${host} took too long.`, { cause: error })
  const text = typeof code === 'string' ? code : ''
  if (text.startsWith('Z_') || text.startsWith('ERR_BROTLI') || text.startsWith('ERR__ERROR'))
    return new WebError('ENCODING_UNREADABLE', `${host} sent a body that can't be decompressed.`, { cause: error })
  const known = CODES[text] ?? 'UNREACHABLE'
  return new WebError(known, MESSAGES[known]?.(host) ?? `${host} can't be reached.`, { cause: error })
}

const MESSAGES: Partial<Record<WebErrorCode, (host: string) => string>> = {
  NAME_NOT_FOUND: (host) => `There is no host ${host}.`,
  TIMED_OUT: (host) => `${host} took too long.`,
  HEADERS_TOO_LARGE: (host) => `${host} sent more headers than are taken.`,
  RESPONSE_TOO_LARGE: (host) => `${host} sent more than is taken.`,
}
