import type { App } from '../app.ts'
import { createCondition } from '../core/condition.ts'
import { createFinisher, type Finisher } from './finisher.ts'
import { createKeeper } from './keeper.ts'
import { forgetTold } from './lost-claims.ts'
import type { Engine } from './run-job.ts'
import { runStint } from './run-stint.ts'
import type { Stint } from './stint.ts'
import { type FunctionTime, hardStopMs } from './time.ts'

/** How often running jobs are checked: whether their time is over, and whether they stopped when told to. */
const CHECK_MS = 500

/** How long a job may take to reach a safe point after its timeout. */
const TIMEOUT_GRACE_MS = 30_000

/** How long a job that was fenced off may take to notice. */
const FENCED_GRACE_MS = 5_000

/** One invocation's running jobs, and what keeps, watches and ends them. */
export interface Shift {
  engine: Engine
  time: FunctionTime
  running: Set<Stint>
  finisher: Finisher
  /** A job on the event loop could not be stopped: the process must not be reused. */
  stuck: boolean
  start(stint: Stint): void
  /** Resolves when one of the running jobs has ended, or the function's time is over; or after this many milliseconds. */
  oneEnded(atMostMs?: number): Promise<void>
  /** Resolves when all have, or after this many milliseconds. */
  allEnded(atMostMs?: number): Promise<void>
  end(): void
}

/** Begins an invocation's work: from here on its jobs are kept, watched, and cut off when the function's time is over. */
export const beginShift = (engine: Engine, time: FunctionTime): Shift => {
  const { app } = engine
  const running = new Set<Stint>()
  const latest = new Map<string, Stint>()
  const oneEnded = createCondition()
  const allEnded = createCondition()
  const finisher = createFinisher(app, () => time.remainingMs() > 500)
  const keeper = createKeeper(app, running, finisher.unwritten)

  const start = (stint: Stint): void => {
    // If this process lost the job and claimed it again before it noticed, the lease belongs to the new stint, and the
    // earlier one must stop.
    latest.get(stint.job.id)?.fence()
    // The claim took until after the hard stop: nobody would cut this job off any more.
    if (time.remainingMs() < hardStopMs(time.totalMs)) return void finisher.add(stint.yielded())
    latest.set(stint.job.id, stint)
    running.add(stint)
    // The process may have been told to stop while the claim was under way.
    if (app.stopping.aborted) stopAll()
    void runStint(engine, keeper, finisher, stint).finally(() => ended(stint))
  }

  /** Nobody waits for it any more. One that was cut off comes to its own end later, or never. */
  const ended = (stint: Stint): void => {
    if (!running.delete(stint)) return
    if (latest.get(stint.job.id) === stint) latest.delete(stint.job.id)
    if (stint.fenced && !stint.handedIn) forgetTold(app, [stint.job])
    oneEnded.notify()
    if (running.size === 0) allEnded.notify()
  }

  /** Ends a job between two safe points: a thread is terminated, a job on the event loop spoils its process. */
  const cutOff = (stint: Stint): void => {
    if (!stint.fenced) finisher.add(stint.outcome ?? stint.cutOff(app.random()))
    stint.handedIn = true
    stint.fence()
    if (stint.kind.isolation === 'shared' && stint.hasBegun && !stint.outcome) shift.stuck = true
    ended(stint)
  }

  const check = (): void => {
    for (const stint of running) {
      if (stint.overdueMs() > 0) stint.requestStop('the job ran longer than its timeout')
      if (stint.overdueMs() > TIMEOUT_GRACE_MS || stint.fencedForMs() > FENCED_GRACE_MS) cutOff(stint)
    }
  }
  const stopAll = (): void => {
    for (const stint of running) stint.requestStop('the process stops')
  }
  const tellWhoRan = (error: Error): void => logUncaught(app, running, error)
  process.on('uncaughtExceptionMonitor', tellWhoRan)
  const checking = setInterval(check, CHECK_MS)
  const over = setTimeout(() => running.forEach(cutOff), Math.max(0, time.totalMs - hardStopMs(time.totalMs)))
  app.stopping.addEventListener('abort', stopAll)

  const shift: Shift = {
    engine,
    time,
    running,
    finisher,
    stuck: false,
    start,
    oneEnded: async (atMostMs) => {
      if (running.size > 0) await oneEnded.wait(atMostMs)
    },
    allEnded: async (atMostMs) => {
      if (running.size > 0) await allEnded.wait(atMostMs)
    },
    end: () => {
      clearTimeout(over)
      clearInterval(checking)
      keeper.stop()
      process.off('uncaughtExceptionMonitor', tellWhoRan)
      app.stopping.removeEventListener('abort', stopAll)
    },
  }
  return shift
}

/** What is thrown from a callback is no job's: the process ends. Somebody must be able to tell which kinds to look at. */
const logUncaught = (app: App, running: ReadonlySet<Stint>, error: Error): void => {
  const kinds = Object.fromEntries(
    [...Map.groupBy(running, ({ kind }) => kind.kind)].map(([kind, all]) => [kind, all.length]),
  )
  app.log.fatal({ err: error, kinds }, 'an error that belongs to no job ends the process; it ran jobs of these kinds')
}
