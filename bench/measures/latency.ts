import type { Plan } from '../rows.ts'
import type { MeasuredStack } from '../stack.ts'
import { watchUsage } from '../usage.ts'
import { BODY } from './body.ts'
import { type Costs, costsOf } from './costs.ts'
import { submitAtPace } from './pace.ts'
import { quantile } from './quantile.ts'

export interface Latency extends Costs {
  /** From the client's POST to the end of the job. */
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** From the insertion of the row to the end of the job. */
  rowP50Ms: number
  rowP99Ms: number
  /** From the insertion of the row to the start of the job. */
  pickUpP50Ms: number
}

/** Submissions at a steady pace, one after the other, whether or not the earlier ones are answered. */
export const measureLatency = async (
  { stack, http, sql, counters, idle }: MeasuredStack,
  { perSecond, warmUp, jobs }: Plan['steady'],
): Promise<Latency> => {
  const submit = async () => ((await http('POST', '/jobs', BODY)) as { job: { id: string } }).job.id
  await submitAtPace(submit, perSecond, warmUp)
  await idle()
  const before = await counters()
  const usage = watchUsage(stack.run, 'at the end')
  const sentAt = await submitAtPace(submit, perSecond, jobs)
  await idle()
  const spent = usage.stop()
  const rows = await sql<{ id: string; queuedMs: number; startedMs: number; finishedMs: number }[]>`
    SELECT id, extract(epoch FROM queued_at)::float8 * 1000 AS queued_ms,
           extract(epoch FROM started_at)::float8 * 1000 AS started_ms,
           extract(epoch FROM finished_at)::float8 * 1000 AS finished_ms
    FROM jobs WHERE id = ANY (${[...sentAt.keys()]}::uuid[]) AND state = 'succeeded'`
  if (rows.length !== jobs) throw new Error(`${rows.length} of ${jobs} jobs have succeeded`)
  const whole = rows.map((row) => row.finishedMs - (sentAt.get(row.id) ?? Number.NaN))
  const inside = rows.map((row) => row.finishedMs - row.queuedMs)
  return {
    p50Ms: quantile(whole, 0.5),
    p99Ms: quantile(whole, 0.99),
    maxMs: quantile(whole, 1),
    rowP50Ms: quantile(inside, 0.5),
    rowP99Ms: quantile(inside, 0.99),
    pickUpP50Ms: quantile(
      rows.map((row) => row.startedMs - row.queuedMs),
      0.5,
    ),
    ...costsOf(jobs, before, await counters(), spent),
  }
}
