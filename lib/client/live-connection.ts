import type { LiveEvent } from '../live/live-event.ts'
import { type LiveSocket, openLiveSocket } from './live-socket.ts'

export interface LiveConnectionOptions {
  /** `POST /live/tickets` */
  ticket: () => Promise<{ url: string }>
  /** The platform's by default. */
  WebSocket?: typeof WebSocket | undefined
  times: { silenceMs: number; patienceMs: number; minBackoffMs: number; maxBackoffMs: number }
  onEvents: (events: LiveEvent[]) => void
  /** A WebSocket is open. What was committed before has not been pushed to it. `afterBreak`: the one before it broke. */
  onOpen: (afterBreak: boolean) => void
  /** The WebSocket broke. Another one is opened next. */
  onBreak: () => void
  /** There is none, and none can be had now; without the right to one, never. */
  onFailed: () => void
  /** With the API's answer that the session is over. */
  onOver: (error: unknown) => void
}

export interface LiveConnection {
  readonly isOpen: boolean
  readonly isOpening: boolean
  /** Tries at once, whatever has failed before. */
  open(): void
  close(): void
}

/**
 * Keeps a WebSocket open from the first `open()` until `close()`: opens another one when it breaks, or beside it when it is about
 * to end. After a failure it waits for longer each time.
 */
export const createLiveConnection = (options: LiveConnectionOptions): LiveConnection => {
  const { times } = options
  let socket: LiveSocket | undefined
  let isOpening = false
  let isClosed = false
  /** An API key can't get tickets. */
  let isRefused = false
  let isBroken = false
  let failures = 0
  let retryTimer: ReturnType<typeof setTimeout> | undefined

  /** Opens a WebSocket, beside one that is about to end or in the place of one that has. */
  const open = async (): Promise<void> => {
    if (isOpening || isRefused || isClosed) return
    isOpening = true
    clearTimeout(retryTimer)
    const opened = await tryToOpen()
    isOpening = false
    if (!opened) return retryLater()
    const before = socket
    socket = opened
    before?.close()
    failures = 0
    const afterBreak = isBroken
    isBroken = false
    void opened.closed.then(() => {
      if (socket === opened) reopen()
    })
    options.onOpen(afterBreak)
  }

  const reopen = (): void => {
    socket = undefined
    isBroken = true
    options.onBreak()
    void open()
  }

  /** It may be closed while something is waited for. */
  const hasClosed = (): boolean => isClosed

  const tryToOpen = async (): Promise<LiveSocket | undefined> => {
    let made: LiveSocket | undefined
    try {
      const { url } = await options.ticket()
      if (hasClosed()) return undefined
      made = openLiveSocket({
        ...times,
        url,
        WebSocket: options.WebSocket ?? WebSocket,
        onEvents: options.onEvents,
        onEnding: () => void open(),
      })
      await made.opened
      if (!hasClosed()) return made
      made.close()
      return undefined
    } catch (error) {
      made?.close()
      if (isOver(error)) options.onOver(error)
      isRefused = isForbidden(error)
      return undefined
    }
  }

  const retryLater = (): void => {
    if (isClosed) return
    if (isRefused) return void options.onFailed()
    failures++
    const waitMs = Math.min(times.maxBackoffMs, times.minBackoffMs * 2 ** failures) * (0.5 + Math.random() / 2)
    retryTimer = setTimeout(() => void open(), waitMs)
    if (!socket) options.onFailed()
  }

  return {
    get isOpen() {
      return socket !== undefined
    },
    get isOpening() {
      return isOpening
    },
    open: () => {
      failures = 0
      void open()
    },
    close: () => {
      isClosed = true
      clearTimeout(retryTimer)
      socket?.close()
      socket = undefined
    },
  }
}

/** Whether neither another try nor another token would help. */
export const isOver = (error: unknown): boolean => statusOf(error) === 401

/** Whether the API itself says so, and not a proxy, whose answer may change. */
export const isForbidden = (error: unknown): boolean =>
  [403, 404].includes(statusOf(error) ?? 0) && (error as { code?: string }).code !== undefined

const statusOf = (error: unknown): number | undefined => (error as { status?: number } | undefined)?.status
