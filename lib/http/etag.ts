import { createHash } from 'node:crypto'

/** A strong entity tag of these bytes (RFC 9110, 8.8.3): 132 bits of their hash. */
export const etagOf = (body: string | Uint8Array): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`

/** Whether `If-None-Match` names this tag, or whatever there is. Tags are compared weakly (RFC 9110, 13.1.2). */
export const isKnown = (ifNoneMatch: string | undefined, etag: string): boolean => {
  const known = ifNoneMatch?.split(',').map(strong) ?? []
  return known.includes('*') || known.includes(strong(etag))
}

const strong = (tag: string): string => tag.trim().replace(/^W\//, '')
