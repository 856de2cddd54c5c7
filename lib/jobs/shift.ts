import type { Outcome } from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import { waitAtMost } from '../core/wait-at-most.ts'
import { createFinisher, type Finisher } from './finisher.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import { forgetTold } from './lost-claims.ts'
import { type Engine, runJob } from './run-job.ts'
import type { Stint } from './stint.ts'
import { deserializeError, isAbortOf, serializeError, toError } from './thrown.ts'
import { type FunctionTime, hardStopMs } from './time.ts'
import { type Owner, ownUnawaited, unawaitedError } from './unawaited.ts'

/** How often running jobs are checked: whether their time is over, and whether they stopped when told to. */
const LOOK_MS = 500

/** How long a job may take to reach a safe point after its timeout. */
const TIMEOUT_GRACE_MS = 30_000

/** How long a job that was fenced off may take to notice. */
const FENCED_GRACE_MS = 5_000

/** One invocation's running jobs and what keeps them. */
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

/** Begins an invocation: from here on its jobs are kept, watched, and cut off when the function's time is over. */
export const beginShift = (engine: Engine, time: FunctionTime): Shift => {
  const { app } = engine
  const running = new Set<Stint>()
  const latest = new Map<string, Stint>()
  // Resolved when the next running job ends, and when the last one does. Each `Promise.race` over all running jobs would
  // leave a handler with each of them until it ends: hundreds of megabytes in a function's time.
  let one: PromiseWithResolvers<void> | undefined
  let all: PromiseWithResolvers<void> | undefined
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
    void runOne(engine, keeper, finisher, stint).finally(() => ended(stint))
  }

  /** Nobody waits for it any more. One that was cut off comes to its own end later, or never. */
  const ended = (stint: Stint): void => {
    if (!running.delete(stint)) return
    if (latest.get(stint.job.id) === stint) latest.delete(stint.job.id)
    if (stint.fenced && !stint.handedIn) forgetTold(app, [stint.job])
    one?.resolve()
    one = undefined
    if (running.size > 0) return
    all?.resolve()
    all = undefined
  }

  /** Ends a job between two safe points: a thread is terminated, a job on the event loop spoils its process. */
  const cutOff = (stint: Stint): void => {
    if (!stint.fenced) finisher.add(stint.outcome ?? stint.cutOff(app.random()))
    stint.handedIn = true
    stint.fence()
    if (stint.kind.isolation === 'shared' && stint.hasBegun && !stint.outcome) shift.stuck = true
    ended(stint)
  }

  const look = (): void => {
    for (const stint of running) {
      if (stint.overdueMs() > 0) stint.requestStop('the job ran longer than its timeout')
      if (stint.overdueMs() > TIMEOUT_GRACE_MS || stint.fencedForMs() > FENCED_GRACE_MS) cutOff(stint)
    }
  }
  const stopAll = (): void => {
    for (const stint of running) stint.requestStop('the process stops')
  }
  /** What is thrown from a callback is no job's: the process ends. Somebody must be able to tell which kinds to look at. */
  const tellWhoRan = (error: Error): void => {
    const kinds = Object.fromEntries(
      [...Map.groupBy(running, ({ kind }) => kind.kind)].map(([kind, all]) => [kind, all.length]),
    )
    app.log.fatal({ err: error, kinds }, 'an error that belongs to no job ends the process; it ran jobs of these kinds')
  }
  process.on('uncaughtExceptionMonitor', tellWhoRan)
  const looking = setInterval(look, LOOK_MS)
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
      if (running.size === 0) return
      one ??= Promise.withResolvers()
      await within(atMostMs, one.promise)
    },
    allEnded: async (atMostMs) => {
      if (running.size === 0) return
      all ??= Promise.withResolvers()
      await within(atMostMs, all.promise)
    },
    end: () => {
      clearTimeout(over)
      clearInterval(looking)
      keeper.stop()
      process.off('uncaughtExceptionMonitor', tellWhoRan)
      app.stopping.removeEventListener('abort', stopAll)
    },
  }
  return shift
}

/** Resolves when the work is done, or after this many milliseconds. */
const within = (ms: number | undefined, work: Promise<void>): Promise<void> =>
  ms === undefined ? work : waitAtMost(work, ms)

/** Runs one job and hands in its outcome. Never throws: what the job throws is its outcome. */
const runOne = async (engine: Engine, keeper: Keeper, finisher: Finisher, stint: Stint): Promise<void> => {
  const { app } = engine
  const first = Promise.withResolvers<Outcome | undefined>()
  let failure: Outcome | undefined
  const logUnawaited = unawaitedLog(app, stint)
  const owner: Owner = {
    tell: (reason) => {
      // What it had begun when it was told to stop, and left behind.
      if (isAbortOf(stint.abort.signal, toError(reason))) return
      const error = logUnawaited(reason)
      failure ??= stint.threw(error, app.random())
      first.resolve(failure)
    },
  }
  const ran = ownUnawaited(owner, () => runJob(engine, keeper, stint))
    .catch((thrown) => unforeseen(app, stint, thrown))
    .then((outcome) => {
      owner.tell = logUnawaited
      first.resolve(outcome)
    })
  const outcome = await first.promise
  await handIn(engine, keeper, finisher, stint, outcome)
  if (outcome === undefined || outcome !== failure) return
  // It doesn't know that its attempt is over, and has as long to notice as one that was fenced off.
  stint.handedIn = true
  stint.outcome = undefined
  stint.fence()
  await ran
}

const handIn = async (
  { app }: Engine,
  keeper: Keeper,
  finisher: Finisher,
  stint: Stint,
  outcome: Outcome | undefined,
): Promise<void> => {
  if (stint.handedIn) return
  if (!outcome || stint.fenced) return app.metrics.count('stint_stints_fenced_total', {})
  stint.outcome = outcome
  await keeper.flushLogs().catch((error) => app.log.warn({ err: error }, 'log lines were lost'))
  if (!stint.handedIn && !stint.fenced) finisher.add(outcome)
}

/** Of a job that has ended nothing is kept with it but what says which that was. */
const unawaitedLog = (
  { log }: App,
  { job: { id: job, stint }, kind: { kind } }: Stint,
): ((reason: unknown) => Error) => {
  return (reason) => {
    const err = unawaitedError(reason)
    log.warn({ err, job, stint, kind }, 'a promise of a job was rejected that nobody awaited')
    return err
  }
}

/** Whatever a job comes to, it must not take its neighbours along. */
const unforeseen = (app: App, stint: Stint, thrown: unknown): Outcome => {
  const error = deserializeError(serializeError(thrown))
  app.log.error({ err: error, job: stint.job.id, stint: stint.job.stint }, 'a job could not be ended')
  return stint.threw(error, app.random())
}
