import { setTimeout as sleep } from 'node:timers/promises'
import type { MeasuredStack } from '../stack.ts'
import { watchUsage } from '../usage.ts'
import { BODY } from './body.ts'
import { type Costs, costsOf } from './costs.ts'

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
  { perSecond, warmUp, jobs }: { perSecond: number; warmUp: number; jobs: number },
): Promise<Latency> => {
  await submitAtPace(http, perSecond, warmUp)
  await idle()
  const before = await counters()
  const usage = watchUsage(stack.run)
  const sentAt = await submitAtPace(http, perSecond, jobs)
  await idle()
  const spent = usage.stop()
  const rows = await sql<{ id: string; queuedMs: number; startedMs: number; finishedMs: number }[]>`
    SELECT id, extract(epoch FROM queued_at)::float8 * 1000 AS queued_ms,
           extract(epoch FROM started_at)::float8 * 1000 AS started_ms,
           extract(epoch FROM finished_at)::float8 * 1000 AS finished_ms
    FROM jobs WHERE id = ANY (${[...sentAt.keys()]}::uuid[]) AND state = 'succeeded'`
  if (rows.length !== jobs) throw new Error(`${rows.length} of ${jobs} jobs have succeeded`)
  const whole = sorted(rows.map((row) => row.finishedMs - (sentAt.get(row.id) ?? Number.NaN)))
  const inside = sorted(rows.map((row) => row.finishedMs - row.queuedMs))
  return {
    p50Ms: at(whole, 0.5),
    p99Ms: at(whole, 0.99),
    maxMs: at(whole, 1),
    rowP50Ms: at(inside, 0.5),
    rowP99Ms: at(inside, 0.99),
    pickUpP50Ms: at(sorted(rows.map((row) => row.startedMs - row.queuedMs)), 0.5),
    ...costsOf(jobs, before, await counters(), spent),
  }
}

/** @returns when each job was sent, by its id, in milliseconds since 1970 */
const submitAtPace = async (http: MeasuredStack['http'], perSecond: number, jobs: number) => {
  const sentAt = new Map<string, number>()
  const began = performance.now()
  const submissions = []
  for (let n = 0; n < jobs; n++) {
    await sleep(Math.max(0, began + (n * 1_000) / perSecond - performance.now()))
    const at = performance.timeOrigin + performance.now()
    submissions.push(
      http('POST', '/jobs', BODY).then((answer) => sentAt.set((answer as { job: { id: string } }).job.id, at)),
    )
  }
  await Promise.all(submissions)
  return sentAt
}

const sorted = (values: number[]): number[] => values.toSorted((a, b) => a - b)

const at = (values: number[], share: number): number =>
  values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
