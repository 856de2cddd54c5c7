import { startPacedClient } from '../pace.ts'
import type { Plan } from '../rows.ts'
import type { MeasuredStack } from '../stack.ts'
import { watchUsage } from '../usage.ts'
import { BODY } from './body.ts'
import { type Costs, costsOf } from './costs.ts'
import { quantile } from './quantile.ts'

export interface Latency extends Costs {
  /** From the client's POST to the end of the job. */
  p50Ms: number
  p99Ms: number
  /** From the insertion of the row to the end of the job. */
  rowP50Ms: number
  rowP99Ms: number
}

/** Submissions at a steady pace, one after the other, whether or not the earlier ones are answered. */
export const measureLatency = async (
  { stack, port, token, sql, counters, idle }: MeasuredStack,
  steady: Plan['steady'],
): Promise<Latency> => {
  const { jobs } = steady
  const client = startPacedClient({ port, token, body: BODY }, steady)
  try {
    await client.submit(steady.warmUp)
    await idle()
    const before = await counters()
    const usage = watchUsage(stack.run, 'at the end')
    const sentAt = await client.submit(jobs)
    await idle()
    const spent = usage.stop()
    return { ...(await timesOf(sql, sentAt)), ...costsOf(jobs, before, await counters(), spent) }
  } finally {
    client.stop()
  }
}

const timesOf = async (sql: MeasuredStack['sql'], sentAt: Map<string, number>): Promise<Omit<Latency, keyof Costs>> => {
  const rows = await sql<{ id: string; queuedMs: number; finishedMs: number }[]>`
    SELECT id, extract(epoch FROM queued_at)::float8 * 1000 AS queued_ms,
           extract(epoch FROM finished_at)::float8 * 1000 AS finished_ms
    FROM jobs WHERE id = ANY (${[...sentAt.keys()]}::uuid[]) AND state = 'succeeded'`
  if (rows.length !== sentAt.size) throw new Error(`${rows.length} of ${sentAt.size} jobs have succeeded`)
  const whole = rows.map((row) => row.finishedMs - (sentAt.get(row.id) ?? Number.NaN))
  const inside = rows.map((row) => row.finishedMs - row.queuedMs)
  return {
    p50Ms: quantile(whole, 0.5),
    p99Ms: quantile(whole, 0.99),
    rowP50Ms: quantile(inside, 0.5),
    rowP99Ms: quantile(inside, 0.99),
  }
}
