import { transaction } from '../../db/client.ts'
import * as accountTokens from '../../db/queries/account-tokens.ts'
import * as auditLog from '../../db/queries/audit-log.ts'
import * as idempotencyKeys from '../../db/queries/idempotency-keys.ts'
import * as liveConnections from '../../db/queries/live-connections.ts'
import * as liveTickets from '../../db/queries/live-tickets.ts'
import * as pendingObjects from '../../db/queries/pending-objects.ts'
import * as rateLimits from '../../db/queries/rate-limits.ts'
import * as schedules from '../../db/queries/schedules.ts'
import * as sessions from '../../db/queries/sessions.ts'
import * as uniqueKeys from '../../db/queries/unique-keys.ts'
import type { App } from '../app.ts'
import { deleteOrphans } from '../files/orphans.ts'
import { removeExpiredJobs } from '../jobs/remove-jobs.ts'
import { each } from './every.ts'

/** Rows per statement. */
const BATCH = 1_000

/** After this time no function can still be about to insert the row of an object that it has put. */
const PENDING_SECONDS = 86_400

/** Kept back from the function's time: the longest that one batch may take. */
const MARGIN_MS = 30_000

/** Removes old jobs with all that belongs to them, and expired sessions, keys and rate limits. */
export const prune = async (app: App, remainingMs: () => number = () => Number.POSITIVE_INFINITY): Promise<void> => {
  const { sql, config } = app
  const days = config.retentionDays
  const inTime = () => remainingMs() > MARGIN_MS
  const counts: Record<string, number> = {}
  const untilNoneIsLeft = (what: string, removeBatch: (limit: number) => Promise<number>) => async () => {
    counts[what] = 0
    for (let removed = BATCH; removed === BATCH && inTime(); ) {
      removed = await removeBatch(BATCH)
      counts[what] += removed
    }
  }
  await each([
    async () => {
      counts['jobs'] = await removeExpiredJobs(app, days, inTime)
    },
    untilNoneIsLeft('pendingObjects', (limit) => pendingObjects.giveUp(sql, PENDING_SECONDS, limit)),
    async () => {
      counts['objects'] = await deleteOrphans(app, inTime)
    },
    untilNoneIsLeft('ticks', (limit) => schedules.pruneTicks(sql, days, limit)),
    untilNoneIsLeft('idempotencyKeys', (limit) => idempotencyKeys.prune(sql, limit)),
    untilNoneIsLeft('uniqueKeys', pruneUniqueKeys(app)),
    untilNoneIsLeft('refreshTokens', (limit) => sessions.deleteExpiredTokens(sql, limit)),
    untilNoneIsLeft('sessions', (limit) => sessions.deleteEmpty(sql, limit)),
    untilNoneIsLeft('liveTickets', (limit) => liveTickets.deleteExpired(sql, limit)),
    untilNoneIsLeft('liveConnections', (limit) => liveConnections.deleteEnded(sql, limit)),
    untilNoneIsLeft('auditEntries', (limit) => auditLog.prune(sql, config.auditRetentionDays, limit)),
    untilNoneIsLeft('accountTokens', (limit) => accountTokens.deleteExpired(sql, limit)),
    untilNoneIsLeft('rateLimits', (limit) => rateLimits.deleteStale(sql, limit)),
  ])
  app.log.info({ removed: counts }, 'pruned')
}

/** Each batch goes on where the one before ended. It says how many it found; a job may have taken one in that moment. */
const pruneUniqueKeys = ({ sql }: App): ((limit: number) => Promise<number>) => {
  let from: Date | null = null
  return (limit) =>
    transaction(sql, async (tx) => {
      const expired = await uniqueKeys.lockExpired(tx, from, limit)
      if (expired.length > 0) await uniqueKeys.removeExpired(tx, expired)
      from = expired.at(-1)?.until ?? from
      return expired.length
    })
}
