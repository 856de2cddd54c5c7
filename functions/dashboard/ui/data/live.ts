import { signal } from '@preact/signals'

/** How changes come here: told as they happen, asked for, or not at all just now. */
export type Reach = 'live' | 'polling' | 'away'

export const reach = signal<Reach>('polling')

export const POLL_MS = 2_000

type Listener = (jobId: string | undefined) => void
const listeners = new Set<Listener>()

/** Changes of jobs; without an id, anything may have changed. */
export const changes = {
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  },
  tell: (jobId?: string): void => {
    for (const listener of [...listeners]) listener(jobId)
  },
}

/** What a request found out about the network. */
export const noteReach = (reached: boolean): void => {
  if (!reached) reach.value = 'away'
  else if (reach.value === 'away') reach.value = 'polling'
}

/** Asks again and again as long as somebody looks; a page that comes back to the front asks at once. */
export const startPolling = (): (() => void) => {
  const tick = (): void => {
    if (!document.hidden && reach.peek() !== 'live') changes.tell()
  }
  const timer = setInterval(tick, POLL_MS)
  const events = ['visibilitychange', 'online', 'focus'] as const
  for (const event of events) addEventListener(event, tick)
  return () => {
    clearInterval(timer)
    for (const event of events) removeEventListener(event, tick)
  }
}
