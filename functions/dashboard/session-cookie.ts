import { StintError } from '../../lib/core/errors.ts'

// The dashboard's refresh token stands in a cookie that no script can read: one that somebody smuggled into a page could
// ask for an access token while it runs, but couldn't take the session away with it. No other route looks at the cookie.
//
// Under TLS its name begins with __Host-: browsers take such a cookie only from the host itself. Another subdomain could
// otherwise put one of its own there, and have people work in a stranger's session.
//
// Forged requests: the cookie is SameSite=Strict, so no other site's page can have it sent. Pages of the same site that
// are not of this origin (another subdomain, another port of localhost) could; browsers name them in Sec-Fetch-Site, and
// they are refused. Browsers that don't name them (older ones, and all where the dashboard is on another machine without
// TLS) send the page's Origin with what is not a GET. The bodies are JSON, which no form can send. All other routes ask for
// the access token in a header.

/** Without TLS the cookie is sent to the session's own routes and to no other; with `__Host-` a browser takes no path but /. */
const PATH = '/dashboard/session'
/** The lifetime of a refresh token. */
const MAX_AGE_SECONDS = 86_400

type Headers = Record<string, string | undefined>

/** On one's own machine the dashboard is served without TLS, where Safari would drop a cookie that asks for it. */
const isSecure = (headers: Headers): boolean => headers['x-forwarded-proto'] === 'https'

/** Browsers keep cookies by the host and not by the port: two stacks on one machine would take turns with one. */
const nameOf = (headers: Headers): string => {
  const port = /:(\d+)$/.exec(headers['host'] ?? '')?.[1]
  const name = port === undefined ? 'stint_session' : `stint_session_${port}`
  return isSecure(headers) ? `__Host-${name}` : name
}

/** The `Set-Cookie` that keeps a refresh token; an empty one ends it. */
export const sessionCookie = (refreshToken: string, headers: Headers): string => {
  const maxAge = refreshToken === '' ? 0 : MAX_AGE_SECONDS
  const [path, secure] = isSecure(headers) ? ['/', '; Secure'] : [PATH, '']
  return `${nameOf(headers)}=${refreshToken}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`
}

/** The refresh token that came with a request, or undefined. @throws {StintError} FORBIDDEN for a page of another origin */
export const readSessionCookie = (
  cookies: readonly string[],
  headers: Headers,
  publicUrl: string | undefined,
): string | undefined => {
  refuseOtherOrigins(headers, publicUrl)
  const name = `${nameOf(headers)}=`
  return cookies.find((it) => it.startsWith(name))?.slice(name.length) || undefined
}

/**
 * @param publicUrl where people reach the dashboard: a proxy may give another Host than they named
 * @throws {StintError} FORBIDDEN. Whoever sends neither header is no browser, and has no cookie that isn't his own.
 */
export const refuseOtherOrigins = (headers: Headers, publicUrl: string | undefined): void => {
  const { 'sec-fetch-site': site, origin, host } = headers
  if (site === 'same-origin' || site === 'none') return
  if (site === undefined && (origin === undefined || isAt(origin, host, publicUrl))) return
  const proxied =
    site === undefined ? ` This page is of ${origin}; if a proxy is in between, set PUBLIC_URL to that.` : ''
  throw new StintError('FORBIDDEN', `Only the dashboard itself may use its sessions.${proxied}`)
}

const isAt = (origin: string, host: string | undefined, publicUrl: string | undefined): boolean => {
  const page = URL.parse(origin)
  return page?.host === host || (publicUrl !== undefined && page?.origin === URL.parse(publicUrl)?.origin)
}
