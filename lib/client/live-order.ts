import type { LiveEvent } from '../live/live-event.ts'
import { hasSeen, type Position, readPosition } from '../live/position.ts'

/** What a listener has heard, so that each event is passed on once and in order per job, however events come. */
export interface Order {
  /** The listener's position: `after` of its next catch-up. */
  readonly after: string | undefined
  /**
   * Takes events that were pushed. `missing`: some don't follow what was heard, and wait for a catch-up that begins
   * after this.
   */
  pushed(events: readonly LiveEvent[]): { news: LiveEvent[]; missing: boolean }
  /** Takes an answer of `GET /live/events`. `missing` as above. */
  caughtUp(answer: CaughtUp): { news: LiveEvent[]; missing: boolean }
}

export interface CaughtUp {
  events: LiveEvent[]
  after: string
  hasMore: boolean
  reset: boolean
}

interface Heard {
  seq: number
  xid: number
  ended: boolean
}

const ENDS = new Set(['job.succeeded', 'job.failed', 'job.cancelled'])

/**
 * Pushed events come at least once and mostly in order, but one may be lost; a catch-up has all of them, but is slow. So a pushed
 * event is passed on if it is the next one of a known job. Otherwise a catch-up is made, which must include it, since it had
 * committed before it was pushed.
 */
export const createOrder = (from?: string): Order => {
  let after = from
  /** The latest moment up to which everything was heard; none in the middle of a catch-up, or before the first. */
  let position: Position | undefined
  const jobs = new Map<string, Heard>()
  let waiting: LiveEvent[] = []

  const note = (event: LiveEvent): LiveEvent => {
    jobs.set(event.jobId, { seq: event.seq, xid: event.xid, ended: ENDS.has(event.type) })
    return event
  }
  const isKnown = (event: LiveEvent): boolean =>
    (position !== undefined && hasSeen(position, event.xid)) || event.seq <= (jobs.get(event.jobId)?.seq ?? 0)
  const isNext = ({ jobId, seq }: LiveEvent): boolean => seq === (jobs.get(jobId)?.seq ?? 0) + 1

  const pushed = (events: readonly LiveEvent[]) => {
    const news: LiveEvent[] = []
    for (const event of events) {
      if (isKnown(event)) continue
      if (position && isNext(event)) news.push(note(event))
      else waiting.push(event)
    }
    return { news, missing: waiting.length > 0 }
  }

  /** A job whose end lies before the position can be forgotten. */
  const forget = (reached: Position): void => {
    for (const [jobId, { ended, xid }] of jobs) if (ended && hasSeen(reached, xid)) jobs.delete(jobId)
  }

  return {
    get after() {
      return after
    },
    pushed,
    caughtUp: ({ events, after: reached, hasMore, reset }) => {
      if (reset) jobs.clear()
      const news = events.filter((event) => event.seq > (jobs.get(event.jobId)?.seq ?? 0)).map(note)
      after = reached
      if (hasMore) return { news, missing: true }
      position = readPosition(reached)
      if (position) forget(position)
      const held = waiting
      waiting = []
      const rest = pushed(held)
      return { news: [...news, ...rest.news], missing: rest.missing }
    },
  }
}
