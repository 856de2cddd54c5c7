import * as liveConnections from '../../db/queries/live-connections.ts'
import type { App } from '../../lib/app.ts'
import { createFramer } from '../../lib/live/frames.ts'
import type { Delivery } from '../../lib/live/gateway.ts'
import type { LiveEvent } from '../../lib/live/live-event.ts'

/** Connections that are written to at once. */
const AT_ONCE = 50
/** A younger connection that is reported gone may just not have been open yet. */
const YOUNG_SECONDS = 10

/**
 * Sends events over the WebSockets of those who may see them. One statement finds the connections, however many events there
 * are. A connection that can't be reached is cut off; its client catches up when it comes back.
 */
export const pushEvents = async (app: App, events: LiveEvent[]): Promise<void> => {
  if (events.length === 0) return
  const projectIds = [...new Set(events.map((it) => it.projectId))]
  const listeners = await liveConnections.listListeners(app.sql, projectIds)
  if (listeners.length === 0) return
  const framesOf = createFrames(events)
  const deliveries = await inTurns(listeners, async (listener) => {
    const delivery = await deliver(app, listener.connectionId, framesOf(listener.projectIds))
    app.metrics.count('stint_live_deliveries_total', { result: delivery })
    return { connectionId: listener.connectionId, delivery }
  })
  const gone = deliveries.flatMap((it) => (it.delivery === 'gone' ? it.connectionId : []))
  if (gone.length > 0) await liveConnections.removeGone(app.sql, gone, YOUNG_SECONDS)
}

/** Connections that see the same projects get the same frames, which are made once. */
const createFrames = (events: LiveEvent[]): ((projectIds: string[]) => string[]) => {
  const toFrames = createFramer()
  const made = new Map<string, string[]>()
  return (projectIds) => {
    const key = projectIds.join()
    const known = made.get(key)
    if (known) return known
    const frames = toFrames(events.filter((it) => projectIds.includes(it.projectId)))
    made.set(key, frames)
    return frames
  }
}

const deliver = async (app: App, connectionId: string, frames: string[]): Promise<Delivery> => {
  try {
    for (const frame of frames) if ((await app.live.post(connectionId, frame)) === 'gone') return 'gone'
    return 'sent'
  } catch (error) {
    app.log.warn({ err: error, connectionId }, 'a live connection could not be reached, and is cut off')
    await app.live.close(connectionId).catch((cause) => app.log.debug({ err: cause, connectionId }, 'it stays open'))
    return 'failed'
  }
}

/** Does the work for each, a limited number at once. */
const inTurns = async <T, R>(all: T[], work: (one: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  for (let from = 0; from < all.length; from += AT_ONCE) {
    results.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(work))))
  }
  return results
}
