import { createHash } from 'node:crypto'

/** A strong entity tag of these bytes (RFC 9110, 8.8.3): 132 bits of their hash. */
export const etagOf = (body: string | Uint8Array): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
