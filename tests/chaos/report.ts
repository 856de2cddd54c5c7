import { availableParallelism, loadavg } from 'node:os'
import { styleText } from 'node:util'
import type { ChaosReport } from './chaos.ts'
import { quantiles, recoveriesOf } from './recovery.ts'

/** Rows of a broken promise that are shown. */
const SHOWN = 3

export const isKept = ({ broken }: ChaosReport): boolean => broken.every(({ rows }) => rows.length === 0)

/** What a run has shown, for people. */
export const describeReport = (report: ChaosReport, leaseSeconds: number): string =>
  [
    ...promises(report),
    '',
    inShort(report),
    '',
    ...happened(report),
    '',
    ...recovery(report, leaseSeconds),
    '',
    isKept(report)
      ? styleText('green', 'Every promise was kept.')
      : styleText(
          'red',
          `A promise was broken. The data folder is kept: STINT_DATA_DIR=${report.dataDir} PORT=0 npm start`,
        ),
  ].join('\n')

const promises = ({ broken }: ChaosReport): string[] => [
  styleText('bold', `${'Promises'.padEnd(90)}broken`),
  ...broken.flatMap(({ promise, rows }) => [
    `${promise.padEnd(90)}${rows.length === 0 ? styleText('green', '0') : styleText('red', String(rows.length))}`,
    ...rows.slice(0, SHOWN).map((row) => `    ${JSON.stringify(row)}`),
  ]),
]

const inShort = ({ broken }: ChaosReport): string => {
  const count = (kind: string) =>
    broken.filter(({ promise }) => promise.startsWith(kind)).reduce((sum, { rows }) => sum + rows.length, 0)
  return `Lost: ${count('lost')}. Finished twice: ${count('twice')}. Written from behind the fence: ${count('fence')}.`
}

const happened = ({ counts }: ChaosReport): string[] => {
  const list = (record: Record<string, number>) =>
    Object.entries(record)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  return [
    `Jobs: ${list(counts.states)}; ${counts.accepted} were accepted, ${counts.unanswered} never answered for`,
    `Stints: ${list(counts.stints)}; ${counts.fencedOff} outcomes were refused behind the fence`,
    `Events in Kafka: ${counts.events}, and ${counts.repeated} repeated; serial numbers: ${counts.serialNumbers}`,
    `Ended by the crash rule without fault of their own: ${counts.crashed}`,
    `The machine: ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`,
  ]
}

const recovery = ({ strikes, interruptions }: ChaosReport, leaseSeconds: number): string[] => {
  const seconds = (ms: number): string => (ms / 1_000).toFixed(2).padStart(8)
  const row = (name: string, count: number, times: { p50: number; p95: number; max: number }, goal: string): string =>
    name.padEnd(30) + String(count).padStart(6) + seconds(times.p50) + seconds(times.p95) + seconds(times.max) + goal
  return [
    styleText('bold', `${'Seconds to recover'.padEnd(30)} count     p50     p95     max     goal`),
    ...recoveriesOf(strikes, leaseSeconds).map(({ part, strikes: count, goalMs, ...times }) =>
      row(part, count, times, `${seconds(goalMs)} ${times.p95 <= goalMs ? 'met' : styleText('yellow', 'missed')}`),
    ),
    row('each job of a killed worker', interruptions.length, quantiles(interruptions), ''),
  ]
}
