import type { LiveEvent } from './live-event.ts'

/** What API Gateway carries in one message: 128 KB. */
export const MAX_FRAME_BYTES = 128 * 1024

const HEAD = '{"type":"events","events":['
const TAIL = ']}'

/** What a connection is told. `reconnect`: it ends soon, or is not known any more. */
export type Frame =
  | { type: 'events'; events: LiveEvent[] }
  | { type: 'pong'; secondsLeft: number }
  | { type: 'reconnect' }
  | { type: 'error'; message: string }

/** Packs events into as few messages as they fit in, in their order. Each event is made JSON of once, for all frames. */
export const createFramer = (): ((events: readonly LiveEvent[]) => string[]) => {
  const texts = new Map<LiveEvent, string>()
  const textOf = (event: LiveEvent): string => {
    const known = texts.get(event)
    if (known !== undefined) return known
    const made = toText(event)
    texts.set(event, made)
    return made
  }
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
