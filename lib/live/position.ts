import type { Snapshot } from '../../db/queries/events.ts'

/**
 * How far a listener has read: everything that had committed by some moment. It names transactions and not a number of an
 * event, since events may commit in another order than they are numbered in.
 */
export interface Position {
  /** When that was, in seconds, by the database's clock. */
  atSeconds: number
  seen: Snapshot
  /** In the middle of a catch-up: the position that it leads to, and the id of the last event read. */
  page?: { until: Snapshot; behindId: number }
}

/** Transactions in flight that a position may name; more than a database has connections. */
const MAX_IN_FLIGHT = 2_000
const TEXT = /^(\d{1,12})~([\d.-]+)(?:~([\d.-]+)~(\d{1,16}))?$/
const SNAPSHOT = /^(\d{1,16})\.(\d{1,16})(?:\.(\d{1,16}(?:-\d{1,16})*))?$/

/** A position as text for a URL, opaque to clients. */
export const writePosition = ({ atSeconds, seen, page }: Position): string => {
  const text = `${atSeconds}~${writeSnapshot(seen)}`
  return page ? `${text}~${writeSnapshot(page.until)}~${page.behindId}` : text
}

/** Reads a position; undefined if {@link writePosition} didn't write this. */
export const readPosition = (text: string): Position | undefined => {
  const [, atSeconds, first = '', second, behindId] = TEXT.exec(text) ?? []
  const seen = readSnapshotText(first)
  if (!seen) return undefined
  if (second === undefined) return { atSeconds: Number(atSeconds), seen }
  const until = readSnapshotText(second)
  return until && { atSeconds: Number(atSeconds), seen, page: { until, behindId: Number(behindId) } }
}

/** Whether the event's transaction lies before the position: the listener has read the event, or began after it. */
export const hasSeen = ({ seen }: Position, xid: number): boolean =>
  xid < seen.xmin || (xid < seen.xmax && !seen.inFlight.includes(xid))

const writeSnapshot = ({ xmin, xmax, inFlight }: Snapshot): string =>
  [xmin, xmax, ...(inFlight.length > 0 ? [inFlight.join('-')] : [])].join('.')

const readSnapshotText = (text: string): Snapshot | undefined => {
  const [, xmin, xmax, list] = SNAPSHOT.exec(text) ?? []
  if (xmin === undefined) return undefined
  const inFlight = list?.split('-').map(Number) ?? []
  const read = { xmin: Number(xmin), xmax: Number(xmax), inFlight }
  return read.xmin <= read.xmax && inFlight.length <= MAX_IN_FLIGHT ? read : undefined
}
