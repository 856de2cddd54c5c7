import { signal } from '@preact/signals'
import { follow, type LiveEvent, type LiveState } from '../../../../lib/client/live.ts'
import { api } from './client.ts'

/** How this page learns of changes: they are pushed or polled, or the API can't be reached at the moment. */
export type Reach = 'connecting' | 'live' | 'polling' | 'away'

export const reach = signal<Reach>('connecting')

/** Changes within this time are reported together, so that a page isn't reloaded more often than a person can see. */
const TOGETHER_MS = 150

type Listener = (jobIds: ReadonlySet<string> | undefined) => void
const listeners = new Set<Listener>()
type Hearer = (events: readonly LiveEvent[]) => void
const hearers = new Set<Hearer>()
let gathered: Set<string> | undefined

/** Changes of jobs; without ids, anything may have changed. */
export const changes = {
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  },
  tell: (jobIds?: Iterable<string>): void => {
    if (!jobIds) {
      for (const listener of [...listeners]) listener(undefined)
      return
    }
    if (!gathered) setTimeout(tellGathered, TOGETHER_MS)
    gathered ??= new Set()
    for (const id of jobIds) gathered.add(id)
  },
}

/** The events themselves, at once. @returns what ends it */
export const hearEvents = (hearer: Hearer): (() => void) => {
  hearers.add(hearer)
  return () => void hearers.delete(hearer)
}

const tellGathered = (): void => {
  const jobIds = gathered
  gathered = undefined
  for (const listener of [...listeners]) listener(jobIds)
}

/** The state, judged only by the WebSocket and its catch-ups. */
let followed: Reach = 'connecting'

/** A request was not answered. */
export const noteUnreachable = (): void => {
  reach.value = 'away'
}

/** A request was answered. If nothing but a request had failed before, the API can be reached again. */
export const noteReached = (): void => {
  if (reach.peek() === 'away') reach.value = followed
}

/** Follows changes while somebody is signed in. A page that comes back to the foreground reads everything again. */
export const startFollowing = (): (() => void) => {
  const following = follow({
    ticket: () => api.call('POST /live/tickets'),
    missed: (after) => api.call('GET /live/events', { query: { after } }),
    onEvents: (events) => {
      for (const hear of hearers) hear(events)
      changes.tell(events.map((event) => event.jobId))
    },
    onReset: () => changes.tell(),
    onState: (state) => become(state),
  })
  // Answers that were read before the connection was ready may lack changes that it didn't report: they are read again.
  following.ready.then(
    () => changes.tell(),
    () => {},
  )
  const look = (): void => {
    if (document.hidden) return
    following.wake()
    changes.tell()
  }
  const events = ['visibilitychange', 'online', 'offline'] as const
  for (const event of events) addEventListener(event, look)
  return () => {
    for (const event of events) removeEventListener(event, look)
    following.stop()
  }
}

const become = (state: LiveState): void => {
  if (state === 'connecting' || state === 'ended') return
  const was = reach.peek()
  followed = state === 'offline' ? 'away' : state
  reach.value = followed
  // Requests that failed meanwhile are repeated.
  if (was === 'away' && followed !== 'away') changes.tell()
}
