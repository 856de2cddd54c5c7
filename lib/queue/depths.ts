import * as queueDepths from '../../db/queries/queue-depths.ts'
import * as queues from '../../db/queries/queues.ts'
import type { App } from '../app.ts'
import { isRecent } from '../core/clock.ts'

export interface Depths {
  queues: (queueDepths.QueueDepth & { pausedAt: Date | null })[]
  /** Whole seconds; 0: now. More where many jobs live, see {@link readDepths}. */
  countedSecondsAgo: number
}

/** Up to this many live jobs, they are counted at each request. */
const MAX_COUNTED_AT_ONCE = 10_000

/** If there are more, how many a second are counted on average: a few per cent of a core, however many requests there are. */
const COUNTED_PER_SECOND = 25_000

interface Counted {
  depths: queueDepths.QueueDepth[]
  jobs: number
  at: number
}

/** The last count of this process, and the one under way. */
const lastOf = new WeakMap<App, Counted>()
const countingOf = new WeakMap<App, Promise<Counted>>()

/**
 * How many jobs wait and run in each queue, counted from rows, and which queues are paused. Up to 10 000 live jobs the counts
 * are current. With more, they are reused for a time in proportion: those of 300 000 jobs may be 12 s old.
 */
export const readDepths = async (app: App): Promise<Depths> => {
  const [{ depths, at }, pauses] = await Promise.all([counted(app), queues.listPauses(app.sql)])
  const pausedAt = new Map(pauses.map((it) => [it.name, it.pausedAt]))
  return {
    queues: depths.map((it) => ({ ...it, pausedAt: pausedAt.get(it.name) ?? null })),
    countedSecondsAgo: Math.floor(Math.max(0, app.clock.now() - at) / 1_000),
  }
}

const counted = (app: App): Promise<Counted> | Counted => {
  const last = lastOf.get(app)
  // While there are few, a job that was just submitted must be counted.
  if (!last || last.jobs <= MAX_COUNTED_AT_ONCE) return count(app)
  if (isRecent(app.clock, last.at, (last.jobs / COUNTED_PER_SECOND) * 1_000)) return last
  const counting = countingOf.get(app) ?? count(app).finally(() => countingOf.delete(app))
  countingOf.set(app, counting)
  return counting
}

const count = async (app: App): Promise<Counted> => {
  const depths = await queueDepths.list(app.sql)
  const jobs = depths.reduce((sum, it) => sum + it.blocked + it.queued + it.delayed + it.running, 0)
  const counted = { depths, jobs, at: app.clock.now() }
  lastOf.set(app, counted)
  return counted
}
