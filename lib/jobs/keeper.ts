import * as jobs from '../../db/queries/jobs.ts'
import * as leases from '../../db/queries/leases.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import type { JobLog } from './define.ts'
import { createLogLines } from './log-lines.ts'
import { createSaver } from './saver.ts'
import type { Stint } from './stint.ts'

/** Saves a stint's newest safe point now. */
export type SaveNow = (stint: Stint) => Promise<void>

export interface Keeper {
  saveNow: SaveNow
  /** The log that a stint writes to. */
  logFor(stint: Stint): JobLog
  /** Writes the log lines that wait. */
  flushLogs(): Promise<void>
  stop(): void
}

/**
 * Keeps an invocation's jobs: renews their leases, asks whether one was cancelled or fenced, and saves safe points and
 * log lines, each for all jobs together. It never touches a job but through its {@link Stint}.
 * @param unwritten outcomes that nobody could write yet: until then their jobs' leases are renewed too
 */
export const createKeeper = (
  app: App,
  running: ReadonlySet<Stint>,
  unwritten: ReadonlySet<Pick<Outcome, 'id' | 'stint'>> = new Set(),
): Keeper => {
  const { heartbeatSeconds, leaseSeconds, watchSeconds, safePointSeconds } = app.config.engine
  const logs = createLogLines(app)
  const save = createSaver(app)

  const renewLeases = async (): Promise<void> => {
    const stints = [...running]
    const mine = [...stints.map(({ job }) => job), ...unwritten]
    const kept = new Set(await leases.extend(app.sql, leases.heldOf(mine), leaseSeconds))
    for (const stint of stints) if (!kept.has(stint.job.id)) stint.fence()
  }

  const watch = async (): Promise<void> => {
    const byId = new Map([...running].map((stint) => [stint.job.id, stint]))
    const told: Stint[] = []
    for (const { id, fenced } of await leases.watch(app.sql, held([...byId.values()]))) {
      const stint = byId.get(id)
      if (fenced) stint?.fence()
      else if (stint && !stint.stopRequested) told.push(stint)
    }
    if (told.length === 0) return
    const { ids, stints } = held(told)
    try {
      // First, since a job that is told may stop, and end, before this could be written.
      await jobs.acknowledgeCancel(app.sql, ids, stints)
      app.committed()
    } finally {
      for (const stint of told) stint.requestStop('the job was cancelled')
    }
  }

  const timers = [
    // A connection that was lost without a word is silent for longer than a lease lasts: the next turn takes another one.
    repeat(app, { seconds: heartbeatSeconds, failed: 'leases could not be renewed', atOnce: 2 }, async () => {
      if (running.size + unwritten.size > 0) await renewLeases()
    }),
    repeat(app, { seconds: watchSeconds, failed: 'running jobs could not be watched' }, async () => {
      if (running.size > 0) await watch()
    }),
    repeat(app, { seconds: safePointSeconds, failed: 'safe points could not be saved' }, async () => {
      if (running.size > 0) await save([...running])
    }),
    repeat(app, { seconds: safePointSeconds, failed: 'log lines could not be saved' }, async () => {
      if (running.size > 0) await logs.flush()
    }),
  ]

  return {
    saveNow: (stint) => save([stint]),
    logFor: logs.logFor,
    flushLogs: logs.flush,
    stop: () => {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

const held = (stints: Stint[]): leases.Held => leases.heldOf(stints.map((stint) => stint.job))

/** Runs `work` each so many seconds, at most `atOnce` of it at a time. A failure is logged; the next turn tries again. */
const repeat = (
  app: App,
  { seconds, failed, atOnce = 1 }: { seconds: number; failed: string; atOnce?: number },
  work: () => Promise<void>,
): NodeJS.Timeout => {
  let underWay = 0
  return setInterval(async () => {
    if (underWay >= atOnce) return
    underWay++
    try {
      await work()
    } catch (error) {
      app.log.warn({ err: error }, failed)
    } finally {
      underWay--
    }
  }, seconds * 1_000)
}
