import type { App } from '../app.ts'
import { waitAtMost } from '../core/wait-at-most.ts'
import { doorbellDelaySeconds, QUEUES, type QueueName, type Ring } from './doorbells.ts'

/** How many claims one doorbell is worth at most: hundreds where jobs are short, one where each fills a function. */
export const CLAIMS_PER_DOORBELL: Record<QueueName, number> = { default: 500, compute: 1, bulk: 500 }

/** A job that has become startable, or will in `delayMs`, or several at once. */
export interface Startable {
  queue: string
  delayMs: number
  /** How many jobs; 1 by default. */
  jobs?: number
}

/** How long who submitted, or wants to write further outcomes, waits for an SQS that gives no answer. */
const PATIENCE_MS = 2_000

/**
 * Rings for jobs that were just committed as queued. A failure is logged and not thrown, and nobody waits long for SQS: the
 * rows are the truth, and the sweep rings again for jobs that nobody has started.
 */
export const ringFor = async (app: App, startable: Startable[]): Promise<void> => {
  const rings = toRings(startable)
  if (rings.length === 0) return
  const rung = app.queue
    .ring(rings)
    .catch((error: unknown) => app.log.warn({ err: error, doorbells: rings.length }, 'could not ring; the sweep will'))
  await waitAtMost(rung, PATIENCE_MS)
}

/** The most doorbells that a queue gets at once for jobs that have waited long. For the rest the sweep rings later. */
const MAX_DOORBELLS = 200

/** Rings for many jobs that wait and may start together. */
export const ringForMany = (app: App, waiting: { queue: string; jobs: number }[]): Promise<void> =>
  ringFor(
    app,
    waiting.flatMap(({ queue, jobs }) =>
      isQueue(queue) ? [{ queue, delayMs: 0, jobs: Math.min(jobs, MAX_DOORBELLS * CLAIMS_PER_DOORBELL[queue]) }] : [],
    ),
  )

/** What may start after outcomes were settled: jobs that are queued again, and another job for each limited one that ended. */
export const startableAfter = (settled: (Startable & { state: string; limited: boolean })[]): Startable[] =>
  settled.flatMap(({ queue, delayMs, state, limited }) => [
    ...(state === 'queued' ? [{ queue, delayMs }] : []),
    ...(limited ? [{ queue, delayMs: 0 }] : []),
  ])

/** As few doorbells as possible: per queue and delay, one for each {@link CLAIMS_PER_DOORBELL} jobs. */
export const toRings = (startable: Startable[]): Ring[] =>
  mergeRings(
    startable.flatMap(({ queue, delayMs, jobs = 1 }) => {
      const delaySeconds = doorbellDelaySeconds(delayMs)
      return delaySeconds !== null && isQueue(queue) ? [{ queue, n: jobs, delaySeconds }] : []
    }),
  )

/** As few doorbells as possible that are worth the same together. */
export const mergeRings = (rings: readonly Ring[]): Ring[] => {
  const merged = new Map<string, Ring>()
  for (const { queue, n, delaySeconds = 0 } of rings) {
    const key = `${queue} ${delaySeconds}`
    const ring = merged.get(key)
    if (ring) ring.n += n
    else merged.set(key, { queue, n, delaySeconds })
  }
  return [...merged.values()].flatMap(split)
}

const isQueue = (name: string): name is QueueName => (QUEUES as readonly string[]).includes(name)

const split = (ring: Ring): Ring[] => {
  const most = CLAIMS_PER_DOORBELL[ring.queue]
  return Array.from({ length: Math.ceil(ring.n / most) }, (_, i) => ({ ...ring, n: Math.min(most, ring.n - i * most) }))
}
