import { isUnreachable } from '../../db/client.ts'
import * as jobLogs from '../../db/queries/job-logs.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as leases from '../../db/queries/leases.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import * as safePoints from '../../db/queries/safe-points.ts'
import type { App } from '../app.ts'
import { inParts } from '../core/in-parts.ts'
import { storable } from '../core/storable.ts'
import type { JobLog } from './define.ts'
import { toLogJson, toLogText } from './logged.ts'
import type { Stint } from './stint.ts'

/** What the safe points hold that one statement saves. In characters of JSON. */
const MAX_SAVED = 16 * 1024 * 1024
/** Lines of one job that are written together; the rest is dropped, and said so. */
const MAX_LINES = 1_000
/** What the lines of all jobs may hold that wait to be written; the rest is dropped. In characters. */
const MAX_WAITING = 16 * 1024 * 1024
/** What a line holds beside its message and its data, about. */
const LINE_SIZE = 100
/** What a line says, in characters, and what it holds, as JSON (bytes): a hundred of them must fit into an answer. */
const MAX_MESSAGE = 10_000
const MAX_LINE_DATA_BYTES = 64 * 1024

export interface Keeper {
  /** Saves this stint's newest safe point now. */
  saveNow(stint: Stint): Promise<void>
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
  let waiting: Lines = { lines: [], size: 0, again: 0 }

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

  /** One after the other: who asks wants its lines written, also those that another flush has taken along. */
  let flushing: Promise<void> = Promise.resolve()
  let flushes = 0
  const flushLogs = async (): Promise<void> => {
    if (waiting.lines.length === 0 && flushes === 0) return
    flushes++
    const flushed = flushing.then(writeLines)
    flushing = flushed.catch(() => {})
    await flushed.finally(() => flushes--)
  }

  const writeLines = async (): Promise<void> => {
    const { lines, size, again } = waiting
    if (lines.length === 0) return
    waiting = { lines: [], size: 0, again: 0 }
    try {
      await jobLogs.insertFenced(app.sql, lines, again)
    } catch (error) {
      waiting = {
        lines: [...lines, ...waiting.lines],
        size: size + waiting.size,
        again: isUnreachable(error) ? lines.length : again,
      }
      throw error
    }
  }

  const addLine = (stint: Stint, level: jobLogs.NewLogLine['level'], message: string, data: string | null): void => {
    const { id: jobId, stint: number } = stint.job
    waiting.lines.push({ jobId, stint: number, level, message, data, at: new Date(app.clock.now()).toISOString() })
    waiting.size += LINE_SIZE + message.length + (data?.length ?? 0)
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
      if (running.size > 0) await flushLogs()
    }),
  ]

  return {
    saveNow: (stint) => save([stint]),
    flushLogs,
    logFor: (stint) => {
      let among = waiting
      let count = 0
      const write =
        (level: jobLogs.NewLogLine['level']) =>
        (message: string, data?: Record<string, unknown>): void => {
          if (among !== waiting) count = 0
          among = waiting
          if (count > MAX_LINES || waiting.size > MAX_WAITING) return
          if (count++ === MAX_LINES) addLine(stint, 'warn', `lines after these ${MAX_LINES} were dropped`, null)
          else {
            const text = storable(toLogText(message)).slice(0, MAX_MESSAGE)
            addLine(stint, level, text, data === undefined ? null : storableData(data))
          }
        }
      return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
    },
    stop: () => {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

/** Lines that wait to be written together. */
interface Lines {
  lines: jobLogs.NewLogLine[]
  /** Of what they hold, in characters. */
  size: number
  /** So many of the first were sent before, and may have been written: there was no answer. */
  again: number
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

/** As {@link storable}, for JSON text, where they stand as escapes. An escaped backslash begins none. */
const storableJson = (json: string): string =>
  json.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/gi, (it) => (/^\\u(0000|d[89a-f])/i.test(it) ? '' : it))

/** A line's data as JSON text; of what is too large, its size. */
const storableData = (data: Record<string, unknown>): string => {
  const json = storableJson(toLogJson(data))
  const bytes = Buffer.byteLength(json)
  return bytes > MAX_LINE_DATA_BYTES ? JSON.stringify({ omittedBytes: bytes }) : json
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
