import type { TransactionSql } from 'postgres'
import { isLockTimeout, isUnreachable, transaction } from '../../db/client.ts'
import * as claims from '../../db/queries/claims.ts'
import * as limits from '../../db/queries/limits.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import { isRecent } from '../core/clock.ts'
import { firstIdAt } from '../core/ids.ts'
import { countClaimed } from '../metrics/jobs.ts'
import { MAX_DOORBELL_DELAY_SECONDS, type QueueName } from '../queue/doorbells.ts'
import { type ClaimWish, isSuspect, MAX_HELD_BYTES } from './claim-wish.ts'
import type { JobKind } from './define.ts'
import { noteLost, noteTold, takeUpLost } from './lost-claims.ts'

/**
 * Leases jobs that start now, and takes up those that this process has leased without knowing it. Jobs of kinds without
 * limits, nearly all, are claimed by one statement. Each kind with limits has a transaction that first locks the kind's row,
 * so that its running jobs can be counted. Kinds with limits go first if some of their jobs were due at the last look; if none
 * were, the next look is taken beside the claim, which doesn't wait.
 *
 * The one statement goes by the rows, and not by what the kinds say now: a job that waited while a deploy moved its kind to
 * another queue, or gave it limits, starts as it was submitted.
 */
export const claim = async (app: App, wish: ClaimWish): Promise<claims.ClaimedJob[]> => {
  const bounded = { bytes: MAX_HELD_BYTES, ...wish }
  const lost = await takeUpLost(app, bounded)
  const jobs = lost.length > 0 ? lost : await claimDue(app, bounded)
  if (jobs.length > 0) app.committed()
  countClaimed(app.metrics, wish.queue, jobs)
  return jobs
}

const claimDue = async (
  app: App,
  { queue, limit, bytes, free, turn, glance = false }: ClaimWish & { bytes: number },
): Promise<claims.ClaimedJob[]> => {
  // Including kinds that no longer have limits: jobs submitted while they had some can only start this way.
  const limited = free.filter(({ kind }) => kind.queue === queue)
  const jobs: claims.ClaimedJob[] = []
  const take = async (
    wanted: ClaimWish['free'],
    claimSome: (open: ClaimWish['free'], most: Most, turn: ClaimWish['turn']) => Promise<claims.ClaimedJob[]>,
  ): Promise<void> => {
    const open = stillFree(wanted, jobs)
    const most = { jobs: limit - jobs.length, bytes: bytes - bytesOf(jobs) }
    if (open.length === 0 || most.jobs <= 0 || most.bytes <= 0 || jobs.some(isSuspect)) return
    const whose = jobs.length === 0 ? turn : 'others'
    try {
      const claimed = await claimSome(open, most, whose)
      noteTold(app, claimed)
      jobs.push(...claimed)
    } catch (error) {
      if (isUnreachable(error)) {
        noteLost(app)
        jobs.push(...(await tryToTakeUp(app, { limit: most.jobs, bytes: most.bytes, free: open, turn: whose })))
      }
      if (jobs.length === 0) throw error
      app.log.warn({ err: error, queue, claimed: jobs.length }, 'no more jobs could be claimed; these run')
    }
  }
  const takePlain = () =>
    take(free, async (open, most, whose) => {
      const request = plainRequest(app, queue, { ...most, jobs: fewerIfLarge(app, queue, most) }, open)
      return noteSize(app, queue, await claimPlain(app, request, whose, glance))
    })
  const takeLimited = (due: ClaimWish['free']) =>
    take(due, (open, most, whose) => claimLimited(app, open, queue, most, whose !== 'others'))

  if (lastLook.get(app)?.anyDue !== false) {
    await takeLimited(await listDue(app, limited))
    await takePlain()
  } else {
    const look = () =>
      listDue(app, limited).catch((error) => {
        app.log.warn({ err: error, queue }, 'jobs of kinds with limits could not be looked for')
        return []
      })
    // When one job is rung for, the look is skipped, unless that job isn't there or the last look was too long ago.
    const looking = limit > 1 || isTimeToLook(app) ? look() : undefined
    await takePlain()
    if (looking || jobs.length === 0) await takeLimited(await (looking ?? look()))
  }
  return jobs
}

/** The connection may be one of several that broke: then the next claim looks again. */
const tryToTakeUp = (...[app, room]: Parameters<typeof takeUpLost>): Promise<claims.ClaimedJob[]> =>
  takeUpLost(app, room).catch((error) => {
    app.log.warn({ err: error }, 'the jobs of a claim whose answer was lost cannot be looked for yet')
    return []
  })

/** What a claim may take. */
interface Most {
  jobs: number
  bytes: number
}

export const bytesOf = (jobs: Iterable<{ bytes: number }>): number => {
  let sum = 0
  for (const job of jobs) sum += job.bytes
  return sum
}

/** About how many bytes a job of each queue took, by the last claims. */
const usualBytes = mapByOwner<App, number>()

/**
 * Asks for fewer jobs if they are large. A claim that finds more bytes than it may take keeps the oldest jobs, whatever their
 * projects; projects only take turns fairly in what was asked for.
 */
const fewerIfLarge = (app: App, queue: QueueName, most: Most): number =>
  Math.min(most.jobs, Math.max(1, Math.floor(most.bytes / (usualBytes(app).get(queue) || 1))))

/** Notes what jobs took. After a claim of small jobs the estimate at most halves: large ones may follow. */
const noteSize = (app: App, queue: QueueName, jobs: claims.ClaimedJob[]): claims.ClaimedJob[] => {
  if (jobs.length > 0) {
    const usual = usualBytes(app)
    usual.set(queue, Math.max(bytesOf(jobs) / jobs.length, (usual.get(queue) ?? 0) / 2))
  }
  return jobs
}

/** What is left of the slots when some jobs have been claimed. */
const stillFree = (free: ClaimWish['free'], claimed: readonly claims.ClaimedJob[]): ClaimWish['free'] => {
  if (claimed.length === 0) return free
  const taken = Map.groupBy(claimed, (job) => job.kind)
  return free
    .map(({ kind, slots }) => ({ kind, slots: slots - (taken.get(kind.kind)?.length ?? 0) }))
    .filter(({ slots }) => slots > 0)
}

/** When a process last looked for jobs of kinds with limits, and whether any were due. */
const lastLook = new WeakMap<App, { at: number; anyDue: boolean }>()

/** They are looked for at least this often, however many others there are. */
const LOOK_MS = 250

const isTimeToLook = (app: App): boolean => !isRecent(app.clock, lastLook.get(app)?.at ?? 0, LOOK_MS)

/** Those of some kinds of which jobs with limits are due. */
const listDue = async (app: App, limited: ClaimWish['free']): Promise<ClaimWish['free']> => {
  if (limited.length === 0) return []
  const kinds = limited.map(({ kind }) => kind.kind)
  const due = new Set(await limits.listDue(app.sql, kinds))
  lastLook.set(app, { at: app.clock.now(), anyDue: due.size > 0 })
  return limited.filter(({ kind }) => due.has(kind.kind))
}

/** What each look of a claim asks for. */
type PlainRequest = Omit<claims.ClaimRequest, 'fresh' | 'after' | 'roundFrom'>

const plainRequest = (app: App, queue: QueueName, most: Most, free: ClaimWish['free']): PlainRequest => ({
  queue,
  limit: most.jobs,
  bytes: most.bytes,
  kinds: free.map(({ kind }) => kind.kind),
  slots: free.map(({ slots }) => slots),
  worker: app.instance,
  leaseSeconds: app.config.engine.leaseSeconds,
})

/**
 * Suspects and other jobs take turns. If machines died twice with hundreds of jobs, these are all suspects and run one by
 * one; the jobs behind them must not wait until all are done, nor may each suspect need an invocation of its own.
 */
const claimPlain = async (
  app: App,
  request: PlainRequest,
  turn: ClaimWish['turn'],
  glance: boolean,
): Promise<claims.ClaimedJob[]> => {
  const suspectsFirst = turn === 'suspects' || (turn === 'anyone' && app.random() < 0.5)
  const found = await claimOfRound(app, { ...request, fresh: suspectsFirst }, glance)
  if (found.length > 0 || turn === 'others' || suspectsFirst) return found
  // Each look finds a suspect, whatever projects it gets to.
  return claimOfRound(app, { ...request, fresh: true }, true)
}

/** How often a claim looks, at most, if others were quicker each time. */
const MAX_LOOKS = 3

/**
 * Looks again in two cases:
 * - Others took what it found. Of two claims at once, that of the second doorbell may take the first job. That of the first
 *   looked before there was a second job and finds nothing; without another look, the second job would wait for the sweep.
 * - It stopped before it got to every project, since there are too many of which nothing is due. It goes on from there until
 *   all have been looked at once, unless this is only a glance.
 */
const claimOfRound = async (
  app: App,
  request: Omit<claims.ClaimRequest, 'after' | 'roundFrom'>,
  glance: boolean,
): Promise<claims.ClaimedJob[]> => {
  const served = lastServed(app)
  let after = served.get(request.queue) ?? anyProject(app)
  let roundFrom = after
  for (let missedLooks = 0; ; ) {
    const { jobs, reached, missed, cutShort } = await claims.claim(app.sql, { ...request, after, roundFrom })
    served.set(request.queue, reached)
    if (missed && ++missedLooks < MAX_LOOKS) roundFrom = reached
    else if (jobs.length > 0 || missed || glance || !cutShort || reached === roundFrom) return jobs
    after = reached
  }
}

/** By queue, the project that had its turn last: the next claim begins with the one after it. */
const lastServed = mapByOwner<App, string>()

const YEAR_MS = 365 * 24 * 3_600 * 1_000

/**
 * Where a process begins its first round: at a random moment of the last year, in the order of the projects' ids, which as
 * UUIDv7 is that of their creation.
 */
const anyProject = ({ clock, random }: App): string => firstIdAt(clock.now() - random() * YEAR_MS)

/** By kind, when a claimer was seen that stands still with the row of its limits. */
const stoodStill = mapByOwner<App, number>()

/** For how long nobody waits for such a claimer again: else each claim of other kinds would wait for it first. */
const STANDS_STILL_MS = 10_000

const claimLimited = async (
  app: App,
  free: ClaimWish['free'],
  queue: QueueName,
  most: Most,
  fresh: boolean,
): Promise<claims.ClaimedJob[]> => {
  const jobs: claims.ClaimedJob[] = []
  for (const { kind, slots } of free) {
    const left = { jobs: Math.min(slots, most.jobs - jobs.length), bytes: most.bytes - bytesOf(jobs) }
    if (left.jobs <= 0 || left.bytes <= 0) break
    if (isRecent(app.clock, stoodStill(app).get(kind.kind) ?? 0, STANDS_STILL_MS)) continue
    try {
      const { found, againInMs } = await transaction(app.sql, (tx) =>
        claimOfKind(tx, app, kind, left, fresh && jobs.length === 0),
      )
      jobs.push(...found)
      if (found.some(isSuspect)) return jobs
      if (againInMs !== null) await ringLater(app, { kind: kind.kind, queue, delayMs: againInMs })
    } catch (error) {
      if (isLockTimeout(error)) {
        stoodStill(app).set(kind.kind, app.clock.now())
        app.log.warn({ err: error, kind: kind.kind }, 'a claimer of a kind with limits stands still; other kinds go on')
        continue
      }
      // Those of the kinds before are leased already: they must run.
      if (jobs.length === 0) throw error
      if (isUnreachable(error)) noteLost(app)
      app.log.warn({ err: error, kind: kind.kind, claimed: jobs.length }, 'jobs of a kind could not be claimed')
      break
    }
  }
  return jobs
}

/** Claims jobs of one kind within its limits. `againInMs`: when the rate allows the next start, if it is what stopped us. */
const claimOfKind = async (
  tx: TransactionSql,
  app: App,
  kind: JobKind,
  { jobs: most, bytes }: Most,
  fresh: boolean,
) => {
  const { running = Number.MAX_SAFE_INTEGER, runningPerKey = Number.MAX_SAFE_INTEGER, rate } = kind.limits ?? {}
  const perSecond = rate ? rate.starts / rate.perSeconds : 0
  await limits.lock(tx, kind.kind, rate ? { perSecond, burst: rate.starts } : null)
  const now = await limits.get(tx, kind.kind)
  const tokens = rate ? Math.floor(now.tokens) : most
  const room = Math.min(most, running - now.running, tokens)
  const againInMs = rate && tokens < most ? Math.ceil(((1 - (now.tokens % 1)) / perSecond) * 1_000) : null
  if (room <= 0) return { found: [], againInMs: tokens <= 0 ? againInMs : null }

  const wish = {
    kind: kind.kind,
    worker: app.instance,
    bytes,
    perKey: runningPerKey,
    after: now.lastKey,
    leaseSeconds: app.config.engine.leaseSeconds,
  }
  const suspects = fresh && now.suspected ? await limits.claim(tx, { ...wish, limit: 1, suspects: true }) : []
  const found = suspects.length > 0 ? suspects : await limits.claim(tx, { ...wish, limit: room, suspects: false })
  if (found.length > 0) await limits.spend(tx, kind.kind, rate ? found.length : 0, found.at(-1)?.concurrencyKey ?? '')
  return { found, againInMs: found.length === tokens ? againInMs : null }
}

interface Later {
  kind: string
  queue: QueueName
  delayMs: number
}

/** By kind, when a doorbell was last sent for later, and for how much later. */
const lastRung = mapByOwner<App, { at: number; delayMs: number }>()

/** The rate limit was reached: somebody must come when it allows more. One doorbell is enough, however often that happens. */
const ringLater = async (app: App, { kind, queue, delayMs }: Later): Promise<void> => {
  const rung = lastRung(app)
  const last = rung.get(kind)
  if (last && isRecent(app.clock, last.at, last.delayMs)) return
  const delaySeconds = Math.min(MAX_DOORBELL_DELAY_SECONDS, Math.ceil(delayMs / 1_000))
  rung.set(kind, { at: app.clock.now(), delayMs: delaySeconds * 1_000 })
  try {
    await app.queue.ring([{ queue, n: 1, delaySeconds }])
  } catch (error) {
    rung.delete(kind)
    app.log.warn({ err: error }, 'could not ring for a rate limit; the sweep will')
  }
}
