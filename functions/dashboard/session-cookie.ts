import { StintError } from '../../lib/core/errors.ts'

// The dashboard's refresh token stands in a cookie that no script can read, and that is sent to the session's own routes
// and to no other: a script that somebody smuggled into a page could ask for an access token while it runs, but couldn't
// take the session away with it.
//
// Forged requests: the cookie is SameSite=Strict, so no other site's page can have it sent. Pages of the same site that
// are not of this origin (another subdomain, another port of localhost) could; browsers name them in Sec-Fetch-Site, and
// they are refused. The bodies are JSON, which no form can send. All other routes ask for the access token in a header.

const PATH = '/dashboard/session'
/** The lifetime of a refresh token. */
const MAX_AGE_SECONDS = 86_400

type Headers = Record<string, string | undefined>

/** Browsers keep cookies by the host and not by the port: two stacks on one machine would take turns with one. */
const nameOf = ({ host = '' }: Headers): string => {
  const port = /:(\d+)$/.exec(host)?.[1]
  return port === undefined ? 'stint_session' : `stint_session_${port}`
}

/** The `Set-Cookie` that keeps a refresh token; an empty one ends it. */
export const sessionCookie = (refreshToken: string, headers: Headers): string => {
  const maxAge = refreshToken === '' ? 0 : MAX_AGE_SECONDS
  // On one's own machine the dashboard is served without TLS, where Safari would drop a cookie that asks for it.
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  return `${nameOf(headers)}=${refreshToken}; Path=${PATH}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`
}

/** The refresh token that came with a request, or undefined. @throws {StintError} FORBIDDEN for a page of another origin */
export const readSessionCookie = (cookies: readonly string[], headers: Headers): string | undefined => {
  refuseOtherOrigins(headers)
  const name = `${nameOf(headers)}=`
  return cookies.find((it) => it.startsWith(name))?.slice(name.length) || undefined
}

/** @throws {StintError} FORBIDDEN. Whoever sends no Sec-Fetch-Site is no browser, and has no cookie that isn't his own. */
export const refuseOtherOrigins = (headers: Headers): void => {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new StintError('FORBIDDEN', 'Only the dashboard itself may use its sessions.')
}
