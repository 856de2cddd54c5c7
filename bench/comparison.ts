import type { StintRow } from './measure-stint.ts'
import { median } from './measures/quantile.ts'
import { settingsOf, versionsOf } from './peers/about.ts'
import { machine, show } from './report.ts'
import type { Plan, Row } from './rows.ts'

/** One turn of all systems. */
export interface Repetition {
  stint?: StintRow
  peers: Record<string, Row>
}

interface Line {
  what: string
  pick: (row: Row) => number | undefined
  digits?: number
  /** Whether more or less is better; only on lines that are compared. */
  better?: 'more' | 'less'
}

const LINES: Line[] = [
  {
    what: 'single submissions over HTTP, nothing consuming, jobs/s',
    pick: (it) => it.single?.perSecond,
    better: 'more',
  },
  { what: '· CPU s per 1 000', pick: (it) => it.single?.cpuSecondsPer1000, digits: 2 },
  { what: 'the same while workers consume, jobs/s', pick: (it) => it.consuming?.perSecond, better: 'more' },
  { what: '· CPU s per 1 000', pick: (it) => it.consuming?.cpuSecondsPer1000, digits: 2 },
  { what: 'by the bulk call, jobs/s', pick: (it) => it.bulk?.perSecond, better: 'more' },
  { what: '· CPU s per 1 000', pick: (it) => it.bulk?.cpuSecondsPer1000, digits: 3 },
  { what: 'drain of no-op jobs, jobs/s', pick: (it) => it.drain?.perSecond, better: 'more' },
  { what: '· CPU s per 1 000', pick: (it) => it.drain?.cpuSecondsPer1000, digits: 3 },
  { what: '· peak memory, MB', pick: (it) => it.drain?.peakMemoryMb },
  { what: 'submitted → finished at 50 jobs/s, p50 ms', pick: (it) => it.latency?.p50Ms, digits: 1, better: 'less' },
  { what: 'submitted → finished at 50 jobs/s, p99 ms', pick: (it) => it.latency?.p99Ms, digits: 1, better: 'less' },
  { what: '· CPU s per 1 000', pick: (it) => it.latency?.cpuSecondsPer1000, digits: 2 },
  { what: 'idle: memory, MB', pick: (it) => it.idle?.memoryMb },
  { what: '· CPU s per minute', pick: (it) => it.idle?.cpuSecondsPerMinute, digits: 2 },
  { what: '· transactions per minute', pick: (it) => it.idle?.queriesPerMinute },
  { what: 'from nothing to the first finished job, s', pick: (it) => it.startSeconds, digits: 1 },
]

/** The systems side by side: medians, and Stint against the best of the others, pair by pair. */
export const comparison = (
  all: Repetition[],
  systems: string[],
  reasons: ReadonlyMap<string, string>,
  plan: Plan,
): string => {
  const measured = systems.filter((name) => !reasons.has(name))
  const notes = measured.filter((name) => name !== 'stint').map((name) => `- ${name}: ${settingsOf(name)}`)
  const missing = [...reasons].map(([name, reason]) => `- ${name}: not measured. ${reason}`)
  return [
    machine(),
    '',
    `Medians of ${all.length} repetitions, the systems in turn. ${show(plan.bulkJobs, 0)} jobs in bulk and drain (a tenth with celery).`,
    versionsOf(measured),
    '',
    ...table(all, measured, LINES),
    '',
    ...notes,
    ...missing,
  ].join('\n')
}

/** The rows that are compared, and nothing else. */
export const inShort = (all: Repetition[], systems: string[]): string => {
  const measured = systems.filter((name) => all.some((it) => (name === 'stint' ? it.stint : it.peers[name])))
  return table(
    all,
    measured,
    LINES.filter(({ better }) => better),
  ).join('\n')
}

const table = (all: Repetition[], systems: string[], lines: readonly Line[]): string[] => {
  const rowsOf = (name: string): Row[] => all.flatMap((it) => (name === 'stint' ? it.stint : it.peers[name]) ?? [])
  const rows = lines.map(({ what, pick, digits = 0, better }) => {
    const cells = systems.map((name) => show(median(rowsOf(name).flatMap((row) => pick(row) ?? [])), digits))
    return `| ${what} | ${cells.join(' | ')} | ${better ? ratio(all, pick, better) : ''} |`
  })
  return [`| | ${systems.join(' | ')} | Stint ÷ best other |`, `|---|${'--:|'.repeat(systems.length + 1)}`, ...rows]
}

/** The median of the ratios of each repetition: what the machine did to one it did to the other. */
const ratio = (all: Repetition[], pick: Line['pick'], better: 'more' | 'less'): string => {
  const ratios = all.flatMap(({ stint, peers }) => {
    const own = stint && pick(stint)
    const others = Object.values(peers).flatMap((row) => pick(row) ?? [])
    if (own === undefined || others.length === 0) return []
    return [own / (better === 'more' ? Math.max(...others) : Math.min(...others))]
  })
  return show(median(ratios), 2)
}
