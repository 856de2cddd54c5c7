import { setTimeout as sleep } from 'node:timers/promises'
import { hasOpenJobs, type MeasuredStack } from '../stack.ts'
import { watchUsage } from '../usage.ts'
import { SUBMISSION } from './body.ts'
import { type Costs, costsOf } from './costs.ts'

export interface Bulk extends Costs {
  perSecond: number
}

const PER_REQUEST = 10_000
/** Requests under way at once: while some are stored, the next is read. */
const AT_ONCE = 4

/** Many jobs by POST /jobs/batch. The queue is paused: they stay. */
export const measureBulk = async (measured: MeasuredStack, jobs: number): Promise<Bulk> => {
  const { stack, http, counters } = measured
  const before = await counters()
  const usage = watchUsage(stack.run)
  const body = JSON.stringify({ jobs: Array.from({ length: PER_REQUEST }, () => SUBMISSION) })
  let left = Math.ceil(jobs / PER_REQUEST)
  const began = performance.now()
  const submit = async (): Promise<void> => {
    while (left-- > 0) await http('POST', '/jobs/batch', body)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, submit))
  const seconds = (performance.now() - began) / 1_000
  const spent = usage.stop()
  return { perSecond: jobs / seconds, ...costsOf(jobs, before, await counters(), spent) }
}

export interface Drain extends Costs {
  perSecond: number
}

/** Runs what waits in the paused queue: from its release to the last job's end. */
export const measureDrain = async (measured: MeasuredStack, jobs: number): Promise<Drain> => {
  const { stack, sql, counters, release, idle } = measured
  const firstId = await firstWaiting(measured)
  const before = await counters()
  const usage = watchUsage(stack.run)
  const [{ released }] = await sql<[{ released: Date }]>`SELECT clock_timestamp() AS released`
  await release(jobs)
  await untilEnded(measured)
  await idle()
  const spent = usage.stop()
  const after = await counters()
  // Counted only now, since counting is no part of the work; and not over all jobs, of which there may be millions.
  const [row] = await sql<[{ ended: number; seconds: number }]>`
    SELECT count(*)::integer AS ended, extract(epoch FROM max(finished_at) - ${released})::float8 AS seconds
    FROM jobs WHERE id >= ${firstId} AND state = 'succeeded' AND finished_at >= ${released}`
  if (row.ended !== jobs) throw new Error(`${row.ended} of ${jobs} jobs have succeeded`)
  return { perSecond: jobs / row.seconds, ...costsOf(jobs, before, after, spent) }
}

const firstWaiting = async ({ sql }: MeasuredStack): Promise<string> => {
  const [first] = await sql<{ id: string }[]>`
    WITH waiting AS MATERIALIZED (SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NULL)
    SELECT id FROM waiting ORDER BY id LIMIT 1`
  if (!first) throw new Error('no job waits')
  return first.id
}

const untilEnded = async ({ sql }: MeasuredStack): Promise<void> => {
  // Looking takes time from the database that it could spend on jobs. When they ended is read from the rows later.
  do await sleep(1_000)
  while (await hasOpenJobs(sql))
}
