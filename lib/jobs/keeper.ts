import * as jobs from '../../db/queries/jobs.ts'
import * as leases from '../../db/queries/leases.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import * as safePoints from '../../db/queries/safe-points.ts'
import type { App } from '../app.ts'
import { inParts } from '../core/in-parts.ts'
import type { JobLog } from './define.ts'
import { createLogLines } from './log-lines.ts'
import type { Stint } from './stint.ts'

/** What the safe points hold that one statement saves. In characters of JSON. */
const MAX_SAVED = 16 * 1024 * 1024

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

  /** One after the other: an older safe point must not arrive after a newer one. */
  let saving: Promise<void> = Promise.resolve()
  const save = (stints: Stint[]): Promise<void> => {
    const saved = saving.then(() => saveNewest(stints))
    saving = saved.catch(() => {})
    return saved
  }

  const saveNewest = async (stints: Stint[]): Promise<void> => {
    const unsaved = new Set<Stint>()
    /** As text when it is their turn: those of all jobs may be hundreds of megabytes. */
    function* points(): Generator<[Stint, safePoints.SavedPoint]> {
      for (const stint of stints) {
        const point = unsavedPoint(stint)
        if (!point) continue
        unsaved.add(stint)
        yield [stint, point]
      }
    }
    try {
      for (const part of inParts(points(), { most: stints.length, maxSize: MAX_SAVED, sizeOf })) {
        const saved = new Set(
          await safePoints.save(
            app.sql,
            part.map(([, point]) => point),
          ),
        )
        app.committed()
        for (const [stint] of part) {
          unsaved.delete(stint)
          if (!saved.has(stint.job.id)) stint.fence()
        }
      }
    } catch (error) {
      for (const stint of unsaved) stint.markUnsaved()
      throw error
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

const sizeOf = ([, { partial = '', checkpoint = '' }]: [Stint, safePoints.SavedPoint]): number =>
  partial.length + checkpoint.length

/** A point that can't be stored is left to the stint's end, where it becomes the job's error. */
const unsavedPoint = (stint: Stint): safePoints.SavedPoint | undefined => {
  try {
    return stint.takeUnsaved()
  } catch {
    stint.requestStop('its safe point cannot be stored')
    return undefined
  }
}

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
