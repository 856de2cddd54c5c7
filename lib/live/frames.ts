import { memoizeByOwner } from '../core/by-owner.ts'
import type { LiveEvent } from './live-event.ts'

/** API Gateway's limit for one message: 128 KB. */
export const MAX_FRAME_BYTES = 128 * 1024

const HEAD = '{"type":"events","events":['
const TAIL = ']}'

/** Messages to a client. `reconnect`: the connection ends soon, or is unknown. */
export type Frame =
  | { type: 'events'; events: LiveEvent[] }
  | { type: 'pong'; secondsLeft: number }
  | { type: 'reconnect' }
  | { type: 'error'; message: string }

/** Packs events into as few messages as possible, in order. Each event is encoded once, for all frames. */
export const createFramer = (): ((events: readonly LiveEvent[]) => string[]) => {
  const textOf = memoizeByOwner(toText)
  return (events) => {
    const frames: string[] = []
    let open: string[] = []
    let bytes = HEAD.length + TAIL.length
    const close = (): void => {
      if (open.length > 0) frames.push(`${HEAD}${open.join(',')}${TAIL}`)
      open = []
      bytes = HEAD.length + TAIL.length
    }
    for (const event of events) {
      const text = textOf(event)
      const size = Buffer.byteLength(text) + 1
      if (bytes + size > MAX_FRAME_BYTES) close()
      open.push(text)
      bytes += size
    }
    close()
    return frames
  }
}

const toText = (event: LiveEvent): string => {
  const whole = JSON.stringify(event)
  if (Buffer.byteLength(whole) + HEAD.length + TAIL.length < MAX_FRAME_BYTES) return whole
  const { data: _, ...rest } = event
  return JSON.stringify(rest)
}
