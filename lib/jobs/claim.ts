import type { TransactionSql } from 'postgres'
import { transaction } from '../../db/client.ts'
import * as claims from '../../db/queries/claims.ts'
import * as limits from '../../db/queries/limits.ts'
import type { App } from '../app.ts'
import { isRecent } from '../core/clock.ts'
import { mapOfEach } from '../core/map-of-each.ts'
import { countClaimed } from '../metrics/jobs.ts'
import type { QueueName } from '../queue/doorbells.ts'
import type { JobKind } from './define.ts'
import { MAX_DOORBELL_DELAY_SECONDS } from './retry.ts'

/**
 * What the inputs and checkpoints of the jobs of one invocation may hold, about: what a function has for them beside all
 * else. Five hundred checkpoints may be half a gigabyte, and all of those jobs would go down with their process.
 */
export const MAX_HELD_BYTES = 32 * 1024 * 1024

export interface ClaimWish {
  queue: QueueName
  /** At most so many jobs. */
  limit: number
  /** What those may hold together, about; one is claimed whatever it holds. */
  bytes?: number
  /** Kinds that may run more jobs here, and how many more each. */
  free: { kind: JobKind; slots: number }[]
  /**
   * Whose turn it is. `anyone`: the invocation has run nothing, so that it may take a suspect, which then runs alone.
   * `suspects`: it has run nothing but suspects. `others`: it may take none.
   */
  turn: 'anyone' | 'suspects' | 'others'
  /** Nobody rang for what may be there: one look, which needn't get to every project. */
  glance?: boolean
}

/**
 * Leases jobs that start now. Kinds without limits, nearly all, are claimed by one statement; each kind with limits in
 * a transaction that first locks its row, so that what runs is counted and not remembered. Those with limits go first
 * where some were due at the last look; where none were, the look is taken beside the claim, and nothing waits for it.
 *
 * The one statement takes what the rows say, and not what the kinds say now: a job that waited while a deploy moved its
 * kind to another queue, or gave it limits, starts as it was submitted.
 */
export const claim = async (
  app: App,
  { queue, limit, bytes = MAX_HELD_BYTES, free, turn, glance = false }: ClaimWish,
): Promise<claims.ClaimedJob[]> => {
  // Also of a kind that has limits no more: jobs that came while it had some start no other way.
  const limited = free.filter(({ kind }) => kind.queue === queue)
  const jobs: claims.ClaimedJob[] = []
  const take = async (
    wanted: ClaimWish['free'],
    claimSome: (open: ClaimWish['free'], most: Most, turn: ClaimWish['turn']) => Promise<claims.ClaimedJob[]>,
  ): Promise<void> => {
    const open = stillFree(wanted, jobs)
    const most = { jobs: limit - jobs.length, bytes: bytes - bytesOf(jobs) }
    if (open.length === 0 || most.jobs <= 0 || most.bytes <= 0 || jobs.some(isSuspect)) return
    try {
      jobs.push(...(await claimSome(open, most, jobs.length === 0 ? turn : 'others')))
    } catch (error) {
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
    // A single job that comes alone pays for no look, as long as it is there and there was one a moment ago.
    const looking = limit > 1 || isTimeToLook(app) ? look() : undefined
    await takePlain()
    if (looking || jobs.length === 0) await takeLimited(await (looking ?? look()))
  }
  if (jobs.length > 0) app.committed()
  countClaimed(app.metrics, queue, jobs)
  return jobs
}

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

/** What the jobs of each queue held that were claimed last, each, about. */
const usualBytes = mapOfEach<App, number>()

/**
 * Of large jobs as many as may be held together: a claim that finds too many takes the oldest, whatever projects those are
 * of, and projects take turns by how many jobs are asked for.
 */
const fewerIfLarge = (app: App, queue: QueueName, most: Most): number =>
  Math.min(most.jobs, Math.max(1, Math.floor(most.bytes / (usualBytes(app).get(queue) || 1))))

/** Some small ones among large ones don't make those small. */
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

/** So often those are looked for at least, however many others there are. */
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
 * Suspects and others take turns: where machines died twice with hundreds of jobs, all of those run one by one, and
 * what waits behind them must not wait for as long as that takes. Nor must they wait for one invocation each.
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

/** How often a claim looks at most that found only what others were quicker to take. */
const MAX_LOOKS = 3

/**
 * Two claim at once, the second job's doorbell takes the first job, and the first one's, which looked before there was
 * a second job, finds its own taken: unless it looks again, nobody comes for the second before the sweep. Nor would
 * anybody for a job that lies behind more projects of which nothing is due than one look gets to: so the next one goes on
 * there, until all have been looked at once, unless it is only a glance.
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

/** Which project had its turn last, by queue: the next claim begins behind it. */
const lastServed = mapOfEach<App, string>()

const YEAR_MS = 365 * 24 * 3_600 * 1_000

/**
 * Where a process begins its first round: behind the projects of some moment of the last year, as their ids, UUIDv7, lie
 * in the order of time.
 */
const anyProject = ({ clock, random }: App): string => {
  const hex = Math.floor(clock.now() - random() * YEAR_MS)
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** Two leases lost in a row without progress: the next may take its process with it again. */
export const isSuspect = (job: { crashes: number }): boolean => job.crashes >= 2

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
    try {
      const { found, againInMs } = await transaction(app.sql, (tx) =>
        claimOfKind(tx, app, kind, left, fresh && jobs.length === 0),
      )
      jobs.push(...found)
      if (found.some(isSuspect)) return jobs
      if (againInMs !== null) await ringLater(app, { kind: kind.kind, queue, delayMs: againInMs })
    } catch (error) {
      // Those of the kinds before are leased already: they must run.
      if (jobs.length === 0) throw error
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
  const suspects = fresh ? await limits.claim(tx, { ...wish, limit: 1, suspects: true }) : []
  const found = suspects.length > 0 ? suspects : await limits.claim(tx, { ...wish, limit: room, suspects: false })
  if (found.length > 0) await limits.spend(tx, kind.kind, rate ? found.length : 0, found.at(-1)?.concurrencyKey ?? '')
  return { found, againInMs: found.length === tokens ? againInMs : null }
}

interface Later {
  kind: string
  queue: QueueName
  delayMs: number
}

/** When somebody was rung for last, by kind, and for how much later. */
const lastRung = mapOfEach<App, { at: number; delayMs: number }>()

/** The rate was what stopped us: somebody must come when it allows more. One doorbell is enough, however often it is met. */
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
