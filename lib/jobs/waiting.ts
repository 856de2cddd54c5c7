import type { JobRow } from '../../db/queries/jobs.ts'
import * as waiting from '../../db/queries/waiting.ts'
import type { App } from '../app.ts'
import type { JobKind, Limits } from './define.ts'

/** Jobs ahead are counted up to here. */
const MAX_COUNTED = 10_000

/** Why a job isn't running, and when it is likely to start (null: nobody can say). */
export type WaitingBecause =
  | { reason: 'after'; jobs: number; jobIds: string[]; expectedStartAt: null }
  | { reason: 'delayed' | 'retry'; until: Date; expectedStartAt: Date }
  | { reason: 'paused'; queue: string; expectedStartAt: null }
  /** The kind was removed after the job was submitted: no worker takes it. */
  | { reason: 'unknown-kind'; kind: string; expectedStartAt: null }
  | { reason: 'limit'; limit: number; of: 'kind'; expectedStartAt: null }
  | { reason: 'limit'; limit: number; of: 'key'; key: string; expectedStartAt: null }
  /** The kind starts this many jobs in a while, and has started them. */
  | { reason: 'limit'; limit: number; of: 'rate'; expectedStartAt: Date }
  | { reason: 'behind'; jobs: number; expectedStartAt: Date | null }

/** Explains why a blocked or queued job waits. @returns null for a job in any other state */
export const explainWaiting = async (
  app: App,
  kinds: readonly JobKind[],
  job: JobRow & { waitsFor: number },
): Promise<WaitingBecause | null> => {
  if (job.state !== 'blocked' && job.state !== 'queued') return null
  const row = await waiting.get(app.sql, job.id, MAX_COUNTED)
  if (!row) return null
  if (job.state === 'blocked')
    return { reason: 'after', jobs: job.waitsFor, jobIds: row.parents, expectedStartAt: null }
  if (row.queuePaused) return { reason: 'paused', queue: job.queue, expectedStartAt: null }
  if (job.startAt > row.now) {
    return { reason: job.stint > 0 ? 'retry' : 'delayed', until: job.startAt, expectedStartAt: job.startAt }
  }
  const kind = kinds.find((it) => it.kind === job.kind)
  if (!kind) return { reason: 'unknown-kind', kind: job.kind, expectedStartAt: null }
  return limitReached(kind, row) ?? behind(row)
}

const limitReached = ({ limits }: JobKind, row: waiting.WaitingRow): WaitingBecause | null => {
  if (!limits || row.running === null || row.runningOfKey === null) return null
  const { running, runningPerKey, rate } = limits
  if (running !== undefined && row.running >= running)
    return { reason: 'limit', limit: running, of: 'kind', expectedStartAt: null }
  if (runningPerKey !== undefined && row.runningOfKey >= runningPerKey)
    return { reason: 'limit', limit: runningPerKey, of: 'key', key: row.concurrencyKey ?? '', expectedStartAt: null }
  return rate ? rateReached(rate, row) : null
}

const rateReached = (rate: NonNullable<Limits<unknown>['rate']>, row: waiting.WaitingRow): WaitingBecause | null => {
  const perSecond = rate.starts / rate.perSeconds
  const tokens = Math.min(rate.starts, (row.tokens ?? rate.starts) + (row.tokensAgeSeconds ?? 0) * perSecond)
  const waitMs = ((row.ahead + 1 - tokens) / perSecond) * 1_000
  if (waitMs <= 0) return null
  return { reason: 'limit', limit: rate.starts, of: 'rate', expectedStartAt: new Date(row.now.getTime() + waitMs) }
}

/** At the pace of the last minute the jobs ahead take this long; a queue that started none has no pace. */
const behind = ({ ahead, startedPerMinute, now }: waiting.WaitingRow): WaitingBecause => {
  const waitMs = startedPerMinute > 0 ? (ahead / startedPerMinute) * 60_000 : null
  const soon = ahead === 0 ? now : null
  return { reason: 'behind', jobs: ahead, expectedStartAt: waitMs === null ? soon : new Date(now.getTime() + waitMs) }
}
