import * as queues from '../../db/queries/queues.ts'
import { measureBulk, measureDrain } from '../measures/bulk.ts'
import { quantile } from '../measures/quantile.ts'
import { measureSingle } from '../measures/single.ts'
import { planOf } from '../rows.ts'
import type { MeasuredStack } from '../stack.ts'

/** Costs on a stack with this much history. CPU time says more than jobs per second on a machine that does other things. */
export interface Grown {
  single: number
  bulk: number
  drain: number
  listMs: number
  stateListMs: number
  tagListMs: number
  sweepMs: number
  jobsMb: number
  eventsMb: number
}

const JOBS = 20_000
const LOOKS = 40

export const measureGrown = async (measured: MeasuredStack): Promise<Grown> => {
  const { sql, http, pause, release, idle } = measured
  await idle()
  await pause()
  const single = await measureSingle(measured, planOf(true).load)
  await release(single.backlog)
  await idle()
  await pause()
  const bulk = await measureBulk(measured, JOBS)
  const drain = await measureDrain(measured, JOBS)
  const [size] = await sql<[{ jobsMb: number; eventsMb: number }]>`
    SELECT pg_total_relation_size('jobs') / 1048576.0::float8 AS jobs_mb,
           pg_total_relation_size('events') / 1048576.0::float8 AS events_mb`
  return {
    single: single.cpuSecondsPer1000,
    bulk: bulk.cpuSecondsPer1000,
    drain: drain.cpuSecondsPer1000,
    listMs: await medianMs(() => http('GET', '/jobs?limit=50')),
    // As many as there are with the shortest history.
    stateListMs: await medianMs(() => http('GET', '/jobs?limit=10&state=failed')),
    tagListMs: await medianMs(() => http('GET', '/jobs?limit=50&tag=none')),
    sweepMs: await medianMs(() => queues.listOverdue(sql, 2, 1_000)),
    ...size,
  }
}

const medianMs = async (work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = []
  for (let n = 0; n < LOOKS; n++) {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  return quantile(times, 0.5)
}
