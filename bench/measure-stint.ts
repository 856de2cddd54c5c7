import { measureIdle } from './idle.ts'
import { type Bulk, type Drain, measureBulk, measureDrain } from './measures/bulk.ts'
import { type Latency, measureLatency } from './measures/latency.ts'
import { type Live, measureLive } from './measures/live.ts'
import { measureRecovery, type Recovery } from './measures/recovery.ts'
import { measureSingle, type Single } from './measures/single.ts'
import type { Plan, Row } from './rows.ts'
import { type MeasuredStack, startMeasuredStack } from './stack.ts'

/** What is measured of Stint only: where its costs lie, and how it recovers. */
export interface StintRow extends Row {
  latency?: Latency
  consuming?: Single
  single?: Single
  bulk?: Bulk
  drain?: Drain
  recovery?: Recovery
  live?: Live
}

/** One repetition of all rows on one fresh stack, so that the later ones meet what the earlier ones left. */
export const measureStint = async (plan: Plan, only: ReadonlySet<string>): Promise<StintRow> => {
  const began = performance.now()
  const measured = await startMeasuredStack()
  const row: StintRow = {}
  try {
    await measured.http('POST', '/jobs', { kind: 'debug.noop', input: {} })
    await measured.idle()
    row.startSeconds = (performance.now() - began) / 1_000
    if (only.has('idle')) row.idle = await idleOf(measured, plan.idleMs)
    if (only.has('live')) row.live = await measureLive(measured, plan.live)
    if (only.has('latency')) row.latency = await measureLatency(measured, plan.steady)
    if (only.has('consuming')) row.consuming = await measureSingle(measured, plan.load)
    await measured.idle()
    await measured.pause()
    if (only.has('single')) {
      row.single = await measureSingle(measured, plan.load)
      await measured.release(row.single.backlog)
      await measured.idle()
      await measured.pause()
    }
    if (only.has('bulk') || only.has('drain')) {
      row.bulk = await measureBulk(measured, plan.bulkJobs)
      row.drain = await measureDrain(measured, plan.bulkJobs)
    }
    if (only.has('recovery')) row.recovery = await measureRecovery(measured, 2_000)
    return row
  } finally {
    await measured.stop()
  }
}

const idleOf = async ({ stack, counters }: MeasuredStack, idleMs: number) => {
  const before = await counters()
  const began = performance.now()
  const idle = await measureIdle(stack.run, idleMs)
  const after = await counters()
  const minutes = (performance.now() - began) / 60_000
  return { ...idle, queriesPerMinute: (after.transactions - before.transactions) / minutes }
}
