import { v7 } from 'uuid'

/** A new UUIDv7 (RFC 9562): unique, and in the order of its making, so that indexes on ids grow at one end. */
export const newId = (): string => v7()
