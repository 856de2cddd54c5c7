import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

/** For how many ids random bytes are drawn at once: a single draw costs as much as all the rest of an id. */
const POOLED_IDS = 256

const pool = new Uint8Array(16 * POOLED_IDS)
let used = pool.length
let msecs = 0
let seq = 0

/**
 * A new UUIDv7 (RFC 9562): unique, and in the order of its making, so that indexes on ids grow at one end. Within a
 * millisecond a counter that begins at a random number keeps the order (method 1 of its section 6.2).
 */
export const newId = (): string => {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.subarray(used, used + 16)
  used += 16
  const now = Date.now()
  if (now > msecs) {
    msecs = now
    seq = new DataView(random.buffer, random.byteOffset).getInt32(6) & 0x7fffffff
  } else {
    seq = (seq + 1) | 0
    if (seq === 0) msecs++
  }
  return v7({ random, msecs, seq })
}

/** The lowest UUIDv7 of a moment: ids made before are lower, ids made from then on are not. */
export const firstIdAt = (ms: number): string => {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** When an id was made. */
export const madeAt = (id: string): Date => new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16))
