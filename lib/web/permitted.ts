import { isIP } from 'node:net'
import { isPublicAddress } from './public-address.ts'
import { WebError } from './web-error.ts'

const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' }

/** Which hosts may be asked, by the configuration. */
export interface Permissions {
  /** Besides the public internet: `host` with any port, or `host:port`. */
  allowedHosts: readonly string[]
  ports: readonly string[]
}

/** Whether a host may be asked even if its address isn't public. */
export const isAllowedHost = (
  { allowedHosts }: Permissions,
  target: { hostname: string; protocol: string; port: string },
): boolean => allowedHosts.includes(hostOf(target)) || allowedHosts.includes(`${hostOf(target)}:${portOf(target)}`)

/**
 * Parses a URL and refuses what may not be fetched, as far as its text can tell; what its name resolves to is checked by the
 * connection. The parser makes IP addresses canonical: `0x7f.1`, `2130706433` and `127.0.0.1` are the same.
 * @throws {WebError} URL_REFUSED, ADDRESS_REFUSED
 */
export const permittedUrl = (text: string, permissions: Permissions, base?: URL): URL => {
  const url = URL.parse(text, base?.href)
  if (!url) throw new WebError('URL_REFUSED', `${quote(text)} is no URL.`)
  const port = portOf(url)
  if (port === undefined) throw new WebError('URL_REFUSED', `${quote(text)} is neither http nor https.`)
  if (url.username || url.password) throw new WebError('URL_REFUSED', `${quote(url.host)} is given with credentials.`)
  const hostname = hostOf(url)
  if (isAllowedHost(permissions, url)) return url
  if (!permissions.ports.includes(port))
    throw new WebError('URL_REFUSED', `The port ${port} is none of ${permissions.ports.join(', ')}.`)
  if (isIP(hostname) && !isPublicAddress(hostname)) throw notPublic(hostname)
  return url
}

/** The host of a URL, as sockets and resolvers take it: IPv6 without its brackets. */
export const hostOf = ({ hostname }: { hostname: string }): string => hostname.replace(/^\[(.*)\]$/, '$1')

const portOf = ({ protocol, port }: { protocol: string; port: string }): string | undefined =>
  port || DEFAULT_PORTS[protocol]

/** Doesn't say what the name resolves to: that would reveal internal addresses. */
export const notPublic = (host: string): WebError =>
  new WebError('ADDRESS_REFUSED', `${quote(host)} is not on the public internet.`)

const quote = (text: string): string => `"${text.slice(0, 200)}"`
