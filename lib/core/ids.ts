import { v7 } from 'uuid'

/** A new UUIDv7 (RFC 9562): unique, and in the order of its making, so that indexes on ids grow at one end. */
export const newId = (): string => v7()

/** The lowest UUIDv7 of a moment: no id that was made before it is as high, and none from then on is lower. */
export const firstIdAt = (ms: number): string => {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
