import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ClaimedJob } from '../../db/queries/claims.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import type { QueueName } from '../queue/doorbells.ts'
import { CLAIMS_PER_DOORBELL, toRings } from '../queue/ring.ts'
import { claim } from './claim.ts'
import { bytesOf, type ClaimWish, isSuspect, MAX_HELD_BYTES } from './claim-wish.ts'
import type { JobKind } from './define.ts'
import type { Engine } from './run-job.ts'
import { beginShift, type Shift } from './shift.ts'
import { Stint } from './stint.ts'
import { type FunctionTime, marginMs } from './time.ts'

// One invocation of a worker function, from its doorbells to the end of its jobs: the loop that claims, and what limits it.
// Its running jobs are a shift (shift.ts), each of them a stint (stint.ts).

/** The most jobs of all kinds that one invocation runs at once. */
const MAX_RUNNING = 500

/** How often an invocation whose doorbells are used up, or whose last claim found nothing, claims again while its jobs run. */
const POLL_MS = 250

/** How long an invocation that began with a suspect takes further ones, one by one: each must have enough time left. */
const suspectsMs = (time: FunctionTime): number => Math.min(1_000, time.totalMs / 10)

export interface Invocation {
  queue: QueueName
  /** How many claims its doorbells are worth. */
  budget: number
  remainingMs: () => number
}

/** Thrown when the first claim failed: only then should SQS deliver the doorbells again. */
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
    // Also when Postgres could not be told: what is stuck must not go on in the next invocation.
    if (shift.stuck) {
      await engine.app.metrics.flush()
      engine.app.exit('a job could not be stopped: it passed no safe point in time')
    }
  }
}

/**
 * Claims until the budget is used, nothing is startable, or time is short. While the invocation then still waits for its
 * own jobs, it also takes jobs that nobody has come for: where few invocations may run at once, their doorbells may have
 * to wait for this one to end, and it is there and paid for. @returns what is left of the budget, to be rung again
 */
const claimAndStart = async (shift: Shift, queue: QueueName, budget: number): Promise<number> => {
  const { engine, running, time } = shift
  let left = budget
  let suspects: ClaimWish['suspects'] = 'either'
  let cooldown: Cooldown | undefined
  for (let round = 0; left > 0 || running.size > 0; round++) {
    // The doorbells' worth is used: every now and then a claim of jobs that nobody has come for.
    const isUnasked = left === 0
    if (isUnasked) await shift.allEnded(POLL_MS)
    if (isShort(time) || engine.app.stopping.aborted) return left
    if (isUnasked && (running.size === 0 || shift.stuck)) return 0
    const wanted = isUnasked ? MAX_RUNNING : left + (lacksDoorbell(engine.app).get(queue) ? 1 : 0)
    const capacity = capacityFor(shift, wanted)
    if (!capacity) {
      if (running.size === 0) return 0
      await shift.oneEnded()
      // Jobs of no time all end in one turn of the event loop: what they free is claimed together.
      await nextTurn()
      continue
    }
    const { limit, bytes, free, someTaken } = capacity
    if (cooldown && isCooling(cooldown, free)) {
      if (!isUnasked) await shift.oneEnded(POLL_MS)
      await nextTurn()
      continue
    }
    const beganMs = performance.now()
    const jobs = await tryClaim(shift, { queue, limit, bytes, suspects, free, singlePass: isUnasked }, round === 0)
    if (jobs.length === 0) {
      // Nothing else is startable. Of the kinds that were left out because their slots are taken, something may be.
      if (someTaken) {
        cooldown = coolDown(free, beganMs)
        await shift.oneEnded(POLL_MS)
      } else left = 0
      continue
    }
    lacksDoorbell(engine.app).set(queue, haveAllWaited(queue, jobs) && jobs.length >= left)
    left = Math.max(0, left - jobs.length)
    for (const job of jobs) shift.start(new Stint(job, kindOf(engine.kinds, job.kind), time, engine.app.cutStint))
    if (jobs.some(isSuspect)) {
      // The next one must not begin before what became of this one is written: it may take the process with it.
      await shift.allEnded()
      await shift.finisher.idle()
      if (time.totalMs - time.remainingMs() >= suspectsMs(time)) return left
      suspects = 'first'
    } else suspects = 'never'
  }
  return 0
}

/** Longer than a job waits whose doorbell somebody answers at once. */
const WAITED_MS = 15

/**
 * By queue, whether its doorbells are probably one short: a process's last claim took as many jobs as its doorbells were worth,
 * and all of these had waited. Then there may be one job more than doorbells, because a doorbell was lost or is with a function
 * that is still starting. If jobs keep coming, each doorbell would from then on start the job before its own, and none would
 * wait long enough for the sweep to notice. So the next claim takes one more.
 */
const lacksDoorbell = mapByOwner<App, boolean>()

/** Where a doorbell is worth one job, a function that took a second job would run it no earlier. */
const haveAllWaited = (queue: QueueName, jobs: readonly ClaimedJob[]): boolean =>
  CLAIMS_PER_DOORBELL[queue] > 1 && jobs.every(({ waitMs }) => waitMs > WAITED_MS)

/** How many times as long as an empty claim took its kinds are not claimed again. */
const COOLDOWN_FACTOR = 4

/**
 * After a claim that found nothing of these kinds, while the slots of others were taken. Another would only find the same, and
 * reads all waiting jobs of the kinds whose slots are taken, which is some 300 ms for 100 000 jobs: if one were made whenever
 * a job ends, the next job would wait for longer than it runs.
 */
interface Cooldown {
  kinds: ReadonlySet<JobKind>
  untilMs: number
}

const coolDown = (free: ClaimWish['free'], beganMs: number): Cooldown => {
  const now = performance.now()
  const restMs = Math.max(POLL_MS, (now - beganMs) * COOLDOWN_FACTOR)
  return { kinds: new Set(free.map(({ kind }) => kind)), untilMs: now + restMs }
}

/** Whether it still holds. It doesn't once a slot of another kind is free. */
const isCooling = ({ kinds, untilMs }: Cooldown, free: ClaimWish['free']): boolean =>
  performance.now() < untilMs && free.every(({ kind }) => kinds.has(kind))

/** @throws {ClaimError} when the first claim fails; a later one only ends the claiming */
const tryClaim = async (shift: Shift, wish: ClaimWish, isFirst: boolean): Promise<ClaimedJob[]> => {
  const { app } = shift.engine
  try {
    return await claim(app, wish)
  } catch (cause) {
    if (isFirst) throw new ClaimError('nothing could be claimed', { cause })
    app.log.warn({ err: cause }, 'a later claim failed; the sweep will ring for what is left')
    return []
  }
}

/** What may still be claimed beside the running jobs. */
interface Capacity extends Required<Pick<ClaimWish, 'limit' | 'bytes' | 'free'>> {
  /** There are kinds that may run no more jobs here now. */
  someTaken: boolean
}

/**
 * How many jobs may be claimed, of the `wanted`, of how many bytes and which kinds; undefined while there is no room for any.
 * Kinds of other queues are included: a job stays in the queue that its kind had when it was submitted.
 */
const capacityFor = ({ engine: { kinds }, running }: Shift, wanted: number): Capacity | undefined => {
  const taken = new Map<string, number>()
  for (const { kind } of running) taken.set(kind.kind, (taken.get(kind.kind) ?? 0) + 1)
  const slots = kinds.map((kind) => ({ kind, slots: kind.concurrency - (taken.get(kind.kind) ?? 0) }))
  const free = slots.filter((it) => it.slots > 0)
  const limit = Math.min(wanted, MAX_RUNNING - running.size)
  const bytes = MAX_HELD_BYTES - bytesOf(running.values().map(({ job }) => job))
  if (limit <= 0 || bytes <= 0 || free.length === 0) return undefined
  return { limit, bytes, free, someTaken: free.length < slots.length }
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
    await app.queue.ring(toRings([{ queue, delayMs: 0, jobs: claimsLeft }]))
  } catch (error) {
    app.log.warn({ err: error, claimsLeft }, 'could not ring again; the sweep will')
  }
}
