import type { TransactionSql } from 'postgres'
import { isLockTimeout, isUnreachable, transaction } from '../../db/client.ts'
import type { ClaimedJob } from '../../db/queries/claims.ts'
import * as limits from '../../db/queries/limits.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import { isRecent } from '../core/clock.ts'
import { MAX_DOORBELL_DELAY_SECONDS, type QueueName } from '../queue/doorbells.ts'
import { bytesOf, type ClaimWish, isSuspect, type Room } from './claim-wish.ts'
import type { JobKind } from './define.ts'
import { noteLost } from './lost-claims.ts'

// Claims jobs of kinds with limits: on how many run at once, in all or for each key, and on how many start in a time. Who
// claims such a kind first locks its row of `limits`, so that nobody else starts jobs of it while the running ones are counted.

/** When a process last checked whether jobs of kinds with limits were due, and whether any were. */
const lastCheck = new WeakMap<App, { at: number; anyDue: boolean }>()

/** The check is made at least this often, however many jobs without limits there are. */
const CHECK_MS = 250

/** Whether some were due at the last check, or none was made yet. */
export const mayBeDue = (app: App): boolean => lastCheck.get(app)?.anyDue !== false

export const isCheckDue = (app: App): boolean => !isRecent(app.clock, lastCheck.get(app)?.at ?? 0, CHECK_MS)

/** Those of some kinds of which jobs with limits are due. */
export const listDue = async (app: App, limited: ClaimWish['free']): Promise<ClaimWish['free']> => {
  if (limited.length === 0) return []
  const kinds = limited.map(({ kind }) => kind.kind)
  const due = new Set(await limits.listDue(app.sql, kinds))
  lastCheck.set(app, { at: app.clock.now(), anyDue: due.size > 0 })
  return limited.filter(({ kind }) => due.has(kind.kind))
}

/** By kind, when a claimer was seen that stands still with the row of its limits. */
const stoodStill = mapByOwner<App, number>()

/** For how long nobody waits for such a claimer again: else each claim of other kinds would wait for it first. */
const STANDS_STILL_MS = 10_000

/** Claims jobs of each kind in turn, in a transaction for each. */
export const claimLimited = async (
  app: App,
  queue: QueueName,
  free: ClaimWish['free'],
  room: Room,
  suspects: ClaimWish['suspects'],
): Promise<ClaimedJob[]> => {
  const jobs: ClaimedJob[] = []
  for (const { kind, slots } of free) {
    const left = { jobs: Math.min(slots, room.jobs - jobs.length), bytes: room.bytes - bytesOf(jobs) }
    if (left.jobs <= 0 || left.bytes <= 0) break
    if (isRecent(app.clock, stoodStill(app).get(kind.kind) ?? 0, STANDS_STILL_MS)) continue
    try {
      const { found, againInMs } = await transaction(app.sql, (tx) =>
        claimOfKind(tx, app, kind, left, suspects !== 'never' && jobs.length === 0),
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
  { jobs: most, bytes }: Room,
  mayBeSuspect: boolean,
) => {
  const { running = Number.MAX_SAFE_INTEGER, runningPerKey = Number.MAX_SAFE_INTEGER, rate } = kind.limits ?? {}
  const perSecond = rate ? rate.starts / rate.perSeconds : 0
  await limits.lock(tx, kind.kind, rate ? { perSecond, burst: rate.starts } : null)
  const now = await limits.get(tx, kind.kind)
  const tokens = rate ? Math.floor(now.tokens) : most
  const limit = Math.min(most, running - now.running, tokens)
  const againInMs = rate && tokens < most ? Math.ceil(((1 - (now.tokens % 1)) / perSecond) * 1_000) : null
  if (limit <= 0) return { found: [], againInMs: tokens <= 0 ? againInMs : null }

  const wish = {
    kind: kind.kind,
    worker: app.instance,
    bytes,
    perKey: runningPerKey,
    after: now.lastKey,
    leaseSeconds: app.config.engine.leaseSeconds,
  }
  const suspects = mayBeSuspect && now.suspected ? await limits.claim(tx, { ...wish, limit: 1, suspects: true }) : []
  const found = suspects.length > 0 ? suspects : await limits.claim(tx, { ...wish, limit, suspects: false })
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
