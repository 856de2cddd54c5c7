import type { LiveEvent } from '../live/live-event.ts'
import { createLiveConnection, isForbidden, isOver } from './live-connection.ts'
import { type CaughtUp, createOrder } from './live-order.ts'

export type { LiveEvent } from '../live/live-event.ts'

/**
 * `live`: events are pushed. `polling`: there is no WebSocket, so they are polled every two seconds. `offline`: the API can't be
 * reached; it keeps trying. `ended`: it has stopped, because the session is over or may not read events.
 */
export type LiveState = 'connecting' | 'live' | 'polling' | 'offline' | 'ended'

export interface FollowOptions {
  /** `POST /live/tickets` */
  ticket: () => Promise<{ url: string }>
  /** `GET /live/events` */
  missed: (after: string | undefined) => Promise<CaughtUp>
  /** Each event once, in order per job. */
  onEvents: (events: LiveEvent[]) => void
  /** It was away for too long, and events were skipped: whatever is shown should be read anew. */
  onReset?: () => void
  /** With the API's refusal, if it has `ended` because of that. */
  onState?: (state: LiveState, error?: unknown) => void
  /** The `after` of an earlier follow, to go on from there; otherwise it begins now. */
  after?: string | undefined
  WebSocket?: typeof WebSocket
  times?: Partial<typeof TIMES>
}

export interface Following {
  readonly state: LiveState
  /** The current position. */
  readonly after: string | undefined
  /** Resolves when every event from then on will be heard. */
  ready: Promise<void>
  /** Tries again at once, for example because the network is back or the page is visible again. */
  wake(): void
  stop(): void
}

const TIMES = {
  /** Without a WebSocket. */
  pollMs: 2_000,
  /** With one: what was pushed is compared with what there is. */
  checkMs: 60_000,
  /** After a break: what broke the connection may keep events from being pushed for a while longer. */
  settleMs: 15_000,
  silenceMs: 45_000,
  patienceMs: 10_000,
  minBackoffMs: 250,
  maxBackoffMs: 30_000,
}

/**
 * Follows the events of all visible jobs, over a WebSocket or, without one, by polling. After a break it continues where it was:
 * nothing is missed, and nothing comes twice. Runs in browsers and in Node.
 *
 * @example
 * const following = follow({
 *   ticket: () => client.call('POST /live/tickets'),
 *   missed: (after) => client.call('GET /live/events', { query: { after } }),
 *   onEvents: (events) => …,
 * })
 */
export const follow = (options: FollowOptions): Following => {
  const times = { ...TIMES, ...options.times }
  const order = createOrder(options.after)
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => {})
  let state: LiveState = 'connecting'
  let settledAtMs = 0
  let catching: Promise<void> | undefined
  let catchAgain = false
  let checkTimer: ReturnType<typeof setTimeout> | undefined

  const become = (next: LiveState, error?: unknown): void => {
    if (state === next || state === 'ended') return
    state = next
    options.onState?.(next, error)
  }

  const end = (error?: unknown): void => {
    clearTimeout(checkTimer)
    connection.close()
    become('ended', error)
    ready.reject(new Error('following has ended', { cause: error }))
  }

  const tell = (news: LiveEvent[]): void => {
    if (news.length > 0 && state !== 'ended') options.onEvents(news)
  }

  /** A call during a run gets one more run after it. */
  const catchUp = (): Promise<void> => {
    catchAgain = true
    catching ??= catchUpOften()
    return catching
  }

  const catchUpOften = async (): Promise<void> => {
    try {
      while (catchAgain && state !== 'ended') {
        catchAgain = false
        const answer = await options.missed(order.after)
        const { news, missing } = order.caughtUp(answer)
        if (answer.reset) options.onReset?.()
        tell(news)
        catchAgain ||= missing
      }
      if (connection.isOpen) become('live')
      else if (!connection.isOpening) become('polling')
      ready.resolve()
    } catch (error) {
      if (isOver(error) || isForbidden(error)) end(error)
      else become('offline')
    } finally {
      // At once, and not when the promise is settled: a request in between would be forgotten.
      catching = undefined
      plan()
    }
  }

  /** The next catch-up that nothing calls for. */
  const plan = (): void => {
    clearTimeout(checkTimer)
    if (state === 'ended') return
    const isSettled = state === 'live' && performance.now() >= settledAtMs
    checkTimer = setTimeout(() => void catchUp(), isSettled ? times.checkMs : times.pollMs)
  }

  const connection = createLiveConnection({
    ticket: options.ticket,
    WebSocket: options.WebSocket,
    times,
    onEvents: (events) => {
      const { news, missing } = order.pushed(events)
      tell(news)
      if (missing) void catchUp()
    },
    onOpen: (afterBreak) => {
      if (afterBreak) settledAtMs = performance.now() + times.settleMs
      void catchUp()
    },
    onBreak: () => {
      become('connecting')
      plan()
    },
    onFailed: () => void catchUp(),
    onOver: end,
  })

  connection.open()
  plan()
  return {
    get state() {
      return state
    },
    get after() {
      return order.after
    },
    ready: ready.promise,
    wake: () => {
      connection.open()
      void catchUp()
    },
    stop: () => end(),
  }
}
