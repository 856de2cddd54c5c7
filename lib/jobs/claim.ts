import type { TransactionSql } from 'postgres'
import { transaction } from '../../db/client.ts'
import * as claims from '../../db/queries/claims.ts'
import * as limits from '../../db/queries/limits.ts'
import type { App } from '../app.ts'
import { countClaimed } from '../metrics/jobs.ts'
import type { QueueName } from '../queue/doorbells.ts'
import type { JobKind } from './define.ts'

export interface ClaimWish {
  queue: QueueName
  /** At most so many jobs. */
  limit: number
  /** Kinds that may run more jobs here, and how many more each. */
  free: { kind: JobKind; slots: number }[]
  /** True while the invocation has run nothing: only then it may take a suspect, which then runs alone. */
  fresh: boolean
}

/**
 * Leases jobs that start now. Kinds without limits, nearly all, are claimed by one statement; each kind with limits in
 * a transaction that first locks its row, so that what runs is counted and not remembered. Those with limits go first
 * where some were due at the last look; where none were, the look is taken beside the claim, and nothing waits for it.
 */
export const claim = async (app: App, { queue, limit, free, fresh }: ClaimWish): Promise<claims.ClaimedJob[]> => {
  const limited = free.filter(({ kind }) => kind.limits)
  const plain = free.filter(({ kind }) => !kind.limits)
  const jobs: claims.ClaimedJob[] = []
  const take = async (claimSome: (most: number, fresh: boolean) => Promise<claims.ClaimedJob[]>): Promise<void> => {
    if (jobs.length >= limit || jobs.some(isSuspect)) return
    try {
      jobs.push(...(await claimSome(limit - jobs.length, fresh && jobs.length === 0)))
    } catch (error) {
      if (jobs.length === 0) throw error
      app.log.warn({ err: error, queue, claimed: jobs.length }, 'no more jobs could be claimed; these run')
    }
  }
  const takePlain = () =>
    plain.length > 0 && take((most, alone) => claimPlain(app, plainRequest(app, queue, most, plain), alone))
  const takeLimited = (due: ClaimWish['free']) => take((most, alone) => claimLimited(app, due, queue, most, alone))

  if (plain.length === 0 || wereDue.get(app) !== false) {
    await takeLimited(await listDue(app, limited))
    await takePlain()
  } else {
    const looking = listDue(app, limited).catch((error) => {
      app.log.warn({ err: error, queue }, 'jobs of kinds with limits could not be looked for')
      return []
    })
    await takePlain()
    await takeLimited(await looking)
  }
  if (jobs.length > 0) app.committed()
  countClaimed(app.metrics, queue, jobs)
  return jobs
}

/** Whether jobs of kinds with limits were due when a process last looked. */
const wereDue = new WeakMap<App, boolean>()

/** Those of some kinds with limits of which jobs are due. */
const listDue = async (app: App, limited: ClaimWish['free']): Promise<ClaimWish['free']> => {
  if (limited.length === 0) return []
  const kinds = limited.map(({ kind }) => kind.kind)
  const due = new Set(await limits.listDue(app.sql, kinds))
  wereDue.set(app, due.size > 0)
  return limited.filter(({ kind }) => due.has(kind.kind))
}

const plainRequest = (
  app: App,
  queue: QueueName,
  limit: number,
  free: ClaimWish['free'],
): Omit<claims.ClaimRequest, 'fresh'> => ({
  queue,
  limit,
  kinds: free.map(({ kind }) => kind.kind),
  slots: free.map(({ slots }) => slots),
  worker: app.instance,
  leaseSeconds: app.config.engine.leaseSeconds,
  from: randomUuid(app.random),
})

/**
 * Suspects and others take turns: where machines died twice with hundreds of jobs, all of those run one by one, and
 * what waits behind them must not wait for as long as that takes.
 */
const claimPlain = async (
  app: App,
  request: Omit<claims.ClaimRequest, 'fresh'>,
  fresh: boolean,
): Promise<claims.ClaimedJob[]> => {
  const suspectsFirst = fresh && app.random() < 0.5
  const found = await claims.claim(app.sql, { ...request, fresh: suspectsFirst })
  if (found.length > 0 || !fresh || suspectsFirst) return found
  return claims.claim(app.sql, { ...request, fresh: true })
}

/** Two leases lost in a row without progress: the next may take its process with it again. */
export const isSuspect = (job: { crashes: number }): boolean => job.crashes >= 2

const claimLimited = async (
  app: App,
  free: ClaimWish['free'],
  queue: QueueName,
  limit: number,
  fresh: boolean,
): Promise<claims.ClaimedJob[]> => {
  const jobs: claims.ClaimedJob[] = []
  for (const { kind, slots } of free) {
    if (jobs.length >= limit) break
    const most = Math.min(slots, limit - jobs.length)
    const { found, againInMs } = await transaction(app.sql, (tx) =>
      claimOfKind(tx, app, kind, most, fresh && jobs.length === 0),
    )
    jobs.push(...found)
    if (found.some(isSuspect)) return jobs
    if (againInMs !== null) await ringLater(app, queue, againInMs)
  }
  return jobs
}

/** Claims jobs of one kind within its limits. `againInMs`: when the rate allows the next start, if it is what stopped us. */
const claimOfKind = async (tx: TransactionSql, app: App, kind: JobKind, most: number, fresh: boolean) => {
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
    perKey: runningPerKey,
    after: now.lastKey,
    leaseSeconds: app.config.engine.leaseSeconds,
  }
  const suspects = fresh ? await limits.claim(tx, { ...wish, limit: 1, suspects: true }) : []
  const found = suspects.length > 0 ? suspects : await limits.claim(tx, { ...wish, limit: room, suspects: false })
  if (found.length > 0) await limits.spend(tx, kind.kind, rate ? found.length : 0, found.at(-1)?.concurrencyKey ?? '')
  return { found, againInMs: found.length === tokens ? againInMs : null }
}

/** The rate was what stopped us: somebody must come when it allows more. */
const ringLater = async (app: App, queue: QueueName, delayMs: number): Promise<void> => {
  try {
    await app.queue.ring([{ queue, n: 1, delaySeconds: Math.min(900, Math.ceil(delayMs / 1_000)) }])
  } catch (error) {
    app.log.warn({ err: error }, 'could not ring for a rate limit; the sweep will')
  }
}

const randomUuid = (random: () => number): string => {
  const hex = Array.from({ length: 8 }, () =>
    Math.floor(random() * 0x10000)
      .toString(16)
      .padStart(4, '0'),
  ).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
