import type { Frame } from '../live/frames.ts'
import type { LiveEvent } from '../live/live-event.ts'

export interface LiveSocketOptions {
  url: string
  WebSocket: typeof WebSocket
  /** Silence after which the other side is asked whether it is there, and how long it may take to answer. */
  silenceMs: number
  patienceMs: number
  onEvents: (events: LiveEvent[]) => void
  /** The connection is to end soon: another one should take its place. */
  onEnding: () => void
}

/** One WebSocket, from its opening to its end. */
export interface LiveSocket {
  /** @throws when it can't be opened */
  opened: Promise<void>
  closed: Promise<void>
  close(): void
}

/** Another connection is opened when less than this is left of one. */
const RENEW_BELOW_SECONDS = 120

export const openLiveSocket = (options: LiveSocketOptions): LiveSocket => {
  const socket = new options.WebSocket(options.url)
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  opened.promise.catch(() => {})
  let timer: ReturnType<typeof setTimeout>

  const giveUp = (): void => {
    opened.reject(new Error('the WebSocket gave no answer'))
    // A close that nobody answers would take long: whoever waits for the end need not.
    closed.resolve()
    socket.close()
  }
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      socket.send('{"type":"ping"}')
      timer = setTimeout(giveUp, options.patienceMs)
    }, options.silenceMs)
  }

  timer = setTimeout(giveUp, options.patienceMs)
  socket.addEventListener('open', () => {
    heard()
    opened.resolve()
  })
  socket.addEventListener('message', ({ data }) => {
    heard()
    const frame = JSON.parse(String(data)) as Frame
    if (frame.type === 'events') options.onEvents(frame.events)
    if (frame.type === 'reconnect' || (frame.type === 'pong' && frame.secondsLeft < RENEW_BELOW_SECONDS))
      options.onEnding()
  })
  socket.addEventListener('close', () => {
    clearTimeout(timer)
    opened.reject(new Error('the WebSocket was refused'))
    closed.resolve()
  })
  return {
    opened: opened.promise,
    closed: closed.promise,
    close: () => {
      clearTimeout(timer)
      socket.close()
      closed.resolve()
    },
  }
}
