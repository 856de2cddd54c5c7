import type { App } from '../../lib/app.ts'
import { StintError } from '../../lib/core/errors.ts'
import { filesOrigin } from '../../lib/files/origin.ts'
import { isKnown } from '../../lib/http/etag.ts'
import { type BuiltFile, builtUi } from './built-ui.ts'

type Headers = Record<string, string | undefined>

/** The dashboard's page, which is one for all its addresses. @throws {StintError} NOT_FOUND when it isn't built */
export const answerPage = async (app: App, headers: Headers) => {
  const page = (await builtUi()).get('index.html')
  if (!page) throw new StintError('NOT_FOUND', 'The dashboard has not been built: npm run build:ui')
  const fresh = {
    // Weak, since it is the same for the page as it is and compressed (RFC 9110, 8.8.3.3).
    etag: `W/${page.etag}`,
    ...VARIES,
    'cache-control': 'no-cache',
    'content-security-policy': policyOf(app),
  }
  if (isKnown(headers['if-none-match'], page.etag)) return { status: 304 as const, headers: fresh }
  return answerFile(page, headers, fresh)
}

/** A file whose name holds its hash: it never changes. @throws {StintError} NOT_FOUND */
export const answerAsset = async (name: string, headers: Headers) => {
  const asset = (await builtUi()).get(`assets/${name}`)
  if (!asset) throw new StintError('NOT_FOUND')
  return answerFile(asset, headers, { 'cache-control': 'public, max-age=31536000, immutable' })
}

/** Headers that a 304 has, too (RFC 9110, 15.4.5). */
const VARIES = { vary: 'accept-encoding' }

const answerFile = (file: BuiltFile, asked: Headers, headers: Record<string, string>) => {
  const compressed = takesBrotli(asked['accept-encoding']) ? file.brotli : undefined
  return {
    status: 200 as const,
    headers: {
      'content-type': file.contentType,
      ...VARIES,
      ...(compressed && { 'content-encoding': 'br' }),
      ...headers,
    },
    body: compressed ?? file.bytes,
  }
}

/** `br;q=0` forbids it (RFC 9110, 12.5.3). */
const takesBrotli = (acceptEncoding = ''): boolean =>
  acceptEncoding.split(',').some((it) => /^\s*br\s*(;(?!\s*q=0(\.0*)?\s*$)|$)/i.test(it))

/** Allows only what is served here, and files from their storage. */
const policyOf = (app: App): string => {
  const files = filesOrigin(app.config)
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' ${files}`,
    `connect-src 'self' ${[files, ...liveOrigin(app)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The address of the WebSocket API, if it is a separate one. */
const liveOrigin = ({ config }: App): string[] => (config.live.url ? [new URL(config.live.url).origin] : [])
