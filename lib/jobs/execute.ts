import type { ClaimedJob } from '../../db/queries/claims.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import type { QueueName } from '../queue/doorbells.ts'
import { toRings } from '../queue/ring.ts'
import { type ClaimWish, claim, isSuspect } from './claim.ts'
import { sharedContext } from './context.ts'
import { type JobKind, MAX_PARENTS_BYTES, type Parent, PermanentError } from './define.ts'
import { createFinisher, type Finisher } from './finisher.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import { runShared } from './run-shared.ts'
import type { Threads } from './run-thread.ts'
import { Stint } from './stint.ts'
import { type FunctionTime, hardStopMs, marginMs } from './time.ts'

/** The most jobs of all kinds that one invocation runs at once. */
const MAX_RUNNING = 500

export interface Invocation {
  queue: QueueName
  /** How many claims its doorbells are worth. */
  budget: number
  remainingMs: () => number
}

export interface Engine {
  app: App
  kinds: readonly JobKind[]
  threads: Threads
}

/** Thrown when the first claim failed: only then shall SQS give the doorbells again. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError'
}

/**
 * What a worker function does with its doorbells: claims jobs as slots free, runs each to its end or to a safe point,
 * and writes what became of them, until the doorbells' worth is used, nothing is startable, or time is short. What is
 * left of the doorbells is rung again.
 *
 * @throws {ClaimError} when Postgres refused the first claim
 */
export const execute = async (engine: Engine, { queue, budget, remainingMs }: Invocation): Promise<void> => {
  const time: FunctionTime = { totalMs: remainingMs(), remainingMs }
  const shift = beginShift(engine, time)
  try {
    const unused = await claimAndStart(shift, queue, budget)
    await shift.allEnded()
    await shift.finisher.idle()
    await ringAgain(engine.app, queue, unused)
  } finally {
    shift.end()
  }
  if (!shift.stuck) return
  await engine.app.metrics.flush()
  engine.app.exit('a job passed no safe point until the end of the function’s time')
}

/** One invocation's running jobs and what keeps them. */
interface Shift {
  engine: Engine
  time: FunctionTime
  running: Set<Stint>
  keeper: Keeper
  finisher: Finisher
  /** A job on the event loop could not be stopped: the process must not be used again. */
  stuck: boolean
  start(stint: Stint): void
  oneEnded(): Promise<void>
  allEnded(): Promise<void>
  end(): void
}

const beginShift = (engine: Engine, time: FunctionTime): Shift => {
  const { app } = engine
  const running = new Set<Stint>()
  const runs = new Map<Stint, Promise<void>>()
  const over = Promise.withResolvers<void>()
  const cutOff = setTimeout(() => cutOffAll(shift), Math.max(0, time.totalMs - hardStopMs(time.totalMs)))
  const stopAll = (): void => {
    for (const stint of running) stint.requestStop('the process stops')
  }
  app.stopping.addEventListener('abort', stopAll)

  const shift: Shift = {
    engine,
    time,
    running,
    keeper: createKeeper(app, running),
    finisher: createFinisher(app, () => time.remainingMs() > 500),
    stuck: false,
    start: (stint) => {
      running.add(stint)
      const run = runOne(shift, stint).finally(() => {
        running.delete(stint)
        runs.delete(stint)
      })
      runs.set(stint, run)
    },
    oneEnded: async () => {
      if (runs.size > 0) await Promise.race([...runs.values(), over.promise])
    },
    allEnded: async () => {
      await Promise.race([Promise.all(runs.values()), over.promise])
    },
    end: () => {
      clearTimeout(cutOff)
      shift.keeper.stop()
      app.stopping.removeEventListener('abort', stopAll)
    },
  }

  const cutOffAll = (it: Shift): void => {
    for (const stint of [...running]) {
      const shared = stint.kind.isolation === 'shared'
      it.finisher.add(stint.cutOff(app.random()))
      stint.fence()
      if (shared) it.stuck = true
      running.delete(stint)
    }
    over.resolve()
  }
  return shift
}

/** Claims until the budget is used, nothing is startable, or time is short. @returns what is left to be rung again */
const claimAndStart = async (shift: Shift, queue: QueueName, budget: number): Promise<number> => {
  const { engine, running, time } = shift
  let left = budget
  for (let round = 0; left > 0; round++) {
    if (isShort(time) || engine.app.stopping.aborted) return left
    const free = freeSlots(engine.kinds, queue, running)
    const limit = Math.min(left, MAX_RUNNING - running.size)
    if (limit <= 0 || free.kinds.length === 0) {
      await shift.oneEnded()
      continue
    }
    const jobs = await tryClaim(shift, { queue, limit, fresh: round === 0, free: free.kinds })
    if (jobs.length === 0) {
      // Nothing else is startable. Of the kinds that were left out because their slots are taken, something may be.
      if (!free.someTaken) return 0
      await shift.oneEnded()
      continue
    }
    left -= jobs.length
    for (const job of jobs) shift.start(new Stint(job, kindOf(engine.kinds, job.kind), time, engine.app.cutStint))
    if (jobs.some(isSuspect)) return left
  }
  return 0
}

/** @throws {ClaimError} when the first claim fails; a later one only ends the claiming */
const tryClaim = async (shift: Shift, wish: ClaimWish): Promise<ClaimedJob[]> => {
  const { app } = shift.engine
  try {
    return await claim(app, wish)
  } catch (cause) {
    if (wish.fresh) throw new ClaimError('nothing could be claimed', { cause })
    app.log.warn({ err: cause }, 'a later claim failed; the sweep will ring for what is left')
    return []
  }
}

/** Runs one job and hands in its outcome. Never throws: what the job throws is its outcome. */
const runOne = async (shift: Shift, stint: Stint): Promise<void> => {
  const outcome = await outcomeOf(shift, stint)
  if (!outcome || stint.fenced) {
    // One that was cut off has handed in its outcome before it was fenced.
    if (shift.running.has(stint)) shift.engine.app.metrics.count('stint_stints_fenced_total', {})
    return
  }
  await shift.keeper.flushLogs().catch((error) => shift.engine.app.log.warn({ err: error }, 'log lines were lost'))
  shift.finisher.add(outcome)
}

const outcomeOf = async (shift: Shift, stint: Stint): Promise<Outcome | undefined> => {
  const { app, threads } = shift.engine
  const { keeper } = shift
  try {
    const input = parseInput(stint)
    const checkpoint = parseCheckpoint(app, stint)
    const parents = stint.job.hasParents ? await parentsOf(app, stint.job.id) : []
    const log = keeper.logFor(stint)
    if (stint.kind.isolation === 'thread') {
      stint.job.input = input
      stint.job.checkpoint = checkpoint
      return await threads.run(stint, { log, parents, saveNow: keeper.saveNow, signal: stint.taken.signal })
    }
    return await runShared(stint, sharedContext(app, stint, { log, input, checkpoint, parents }), keeper.saveNow)
  } catch (error) {
    if (stint.fenced) return undefined
    if (!(error instanceof PermanentError))
      app.log.info({ err: error, job: stint.job.id, stint: stint.job.stint }, 'a job threw')
    return stint.threw(error, app.random())
  }
}

const parseInput = ({ kind, job }: Stint): unknown => {
  const parsed = kind.input.safeParse(job.input)
  if (parsed.success) return parsed.data
  throw new PermanentError('INPUT_INVALID', `the input is not what the kind declares: ${parsed.error.message}`)
}

const parentsOf = async (app: App, jobId: string): Promise<Parent[]> => {
  const rows = await dependencies.listResults(app.sql, jobId, MAX_PARENTS_BYTES)
  return rows.map((row) => ({ ...row, state: row.state as Parent['state'] }))
}

/** The checkpoint to go on from. One that its kind can't migrate or no longer understands is dropped: the job starts anew. */
const parseCheckpoint = (app: App, { kind, job }: Stint): unknown => {
  if (job.checkpoint === null || !kind.checkpoint) return undefined
  const current = job.checkpointVersion === kind.checkpointVersion
  const checkpoint = current ? job.checkpoint : kind.migrateCheckpoint?.(job.checkpoint, job.checkpointVersion ?? 1)
  if (checkpoint !== undefined) {
    const parsed = kind.checkpoint.safeParse(checkpoint)
    if (parsed.success) return parsed.data
  }
  app.log.warn(
    { job: job.id, kind: kind.kind, version: job.checkpointVersion },
    'a checkpoint does not fit its kind; the job starts anew',
  )
  return undefined
}

/** The queue's kinds that may run more jobs here, how many more each, and whether others may not. */
const freeSlots = (kinds: readonly JobKind[], queue: QueueName, running: ReadonlySet<Stint>) => {
  const all = kinds
    .filter((kind) => kind.queue === queue)
    .map((kind) => ({ kind, slots: kind.concurrency - countOf(running, kind.kind) }))
  const free = all.filter(({ slots }) => slots > 0)
  return { kinds: free, someTaken: free.length < all.length }
}

const countOf = (running: ReadonlySet<Stint>, kind: string): number => {
  let count = 0
  for (const stint of running) if (stint.kind.kind === kind) count++
  return count
}

const kindOf = (kinds: readonly JobKind[], name: string): JobKind => {
  const kind = kinds.find((it) => it.kind === name)
  if (!kind) throw new Error(`a job of the unknown kind ${name} was claimed`)
  return kind
}

/** A new job needs at least the smallest margin to get anywhere. */
const isShort = (time: FunctionTime): boolean => time.remainingMs() < marginMs(time.totalMs, 0)

const ringAgain = async (app: App, queue: QueueName, claimsLeft: number): Promise<void> => {
  if (claimsLeft === 0) return
  try {
    await app.queue.ring(toRings(Array.from({ length: claimsLeft }, () => ({ queue, delayMs: 0 }))))
  } catch (error) {
    app.log.warn({ err: error, claimsLeft }, 'could not ring again; the sweep will')
  }
}
