import type { Pool } from '../../db/client.ts'
import type { Strike } from './breaker.ts'

/** Times to recover of one part, in milliseconds. */
export interface Recovery {
  part: string
  strikes: number
  p50: number
  p95: number
  max: number
  goalMs: number
}

const GOAL_MS = 3_000
/** The host sees a worker die, so nobody waits for its leases. */
const WORKER_GOAL_MS = 2_000

export const recoveriesOf = (strikes: readonly Strike[], leaseSeconds: number): Recovery[] =>
  [...Map.groupBy(strikes, ({ part }) => part)].map(([part, those]) => {
    const times = those.map(({ recoveredMs }) => recoveredMs)
    return { part, strikes: those.length, ...quantiles(times), goalMs: goalOf(part, leaseSeconds) }
  })

const goalOf = (part: Strike['part'], leaseSeconds: number): number => {
  if (part === 'worker') return WORKER_GOAL_MS
  return part === 'frozen worker' ? leaseSeconds * 1_000 + WORKER_GOAL_MS : GOAL_MS
}

export const quantiles = (times: readonly number[]): { p50: number; p95: number; max: number } => {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), max: at(1) }
}

/** From each kill of a worker to the next stint of each job that it ran: what its jobs had to wait, one by one. */
export const interruptionsOf = async (sql: Pool, strikes: readonly Strike[]): Promise<number[]> => {
  const killed = strikes.filter(({ part, instance }) => part === 'worker' && instance !== undefined)
  const rows = await sql<{ ms: number }[]>`
    SELECT (extract(epoch FROM next.started_at) * 1000 - at_ms)::double precision AS ms
    FROM unnest(
      ${killed.map(({ instance }) => instance ?? '')}::text[],
      ${killed.map(({ atMs }) => atMs)}::double precision[]
    ) AS killed (worker, at_ms)
    JOIN stints USING (worker)
    JOIN stints AS next ON next.job_id = stints.job_id AND next.stint = stints.stint + 1
    WHERE stints.outcome = 'crashed'`
  return rows.map(({ ms }) => ms)
}
