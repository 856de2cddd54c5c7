import { bars, lyingBars } from '../chart/bars.ts'
import type { Drawing } from '../chart/drawing.ts'
import { type Activity, BIN_NAMES, byKind, byState, jobsIn } from './activity.ts'
import { STATE_COLOURS } from './colours.ts'
import { bucketsOf, localTime, type Period } from './period.ts'

/** The contents of a report, whatever format it gets. */
export interface Report {
  title: string
  period: Period
  activity: Activity
}

export interface Figures {
  /** The period, in words. */
  when: string
  /** The numbers at the top. */
  facts: [name: string, value: string][]
  /** The states that occur, with their colours. */
  legend: [state: string, colour: string][]
  overTime: Drawing
  ofKinds: Drawing
  waiting: Drawing
  running: Drawing
  kinds: Table
  errors: Table
  longest: Table
}

export interface Table {
  head: string[]
  rows: string[][]
  /** How many columns from the left are words. The others are numbers. */
  words: number
}

/** How many errors are shown: the most frequent ones. */
const MAX_ERRORS = 20

/** How many kinds have a bar: the most active ones. The table has all of them. */
const MAX_BARS = 15

/** Makes the contents of a report from counts. */
export const figuresOf = ({ period, activity }: Report): Figures => {
  const kinds = byKind(activity)
  const states = byState(activity.cells)
  const occurring = STATE_COLOURS.filter(([state]) => (states[state] ?? 0) > 0)
  const buckets = bucketsOf(period)
  const cells = Map.groupBy(activity.cells, ([bucket]) => bucket)
  const inTime = buckets.map((it) => byState(cells.get(it) ?? []))
  const seriesOf = (of: Record<string, number>[]) =>
    occurring.map(([name, colour]) => ({ name, colour, values: of.map((it) => it[name] ?? 0) }))
  const binned = (bins: Record<string, number[]>) => [
    {
      name: 'jobs',
      colour: '#2f6fdb' as const,
      values: BIN_NAMES.map((_, bin) => Object.values(bins).reduce((sum, of) => sum + (of[bin] ?? 0), 0)),
    },
  ]
  const shown = kinds.length > MAX_BARS ? kinds.slice(0, MAX_BARS - 1) : kinds
  const others = kinds.slice(shown.length)
  const barsOf = [
    ...shown.map(({ kind, states: of }) => ({ name: kind, of })),
    ...(others.length > 0 ? [{ name: `${others.length} others`, of: sumOf(others.map(({ states: of }) => of)) }] : []),
  ]
  const { timeZone, unit, from, to } = period
  return {
    when: `${localTime(from, timeZone)} to ${localTime(to, timeZone)} (${timeZone})`,
    facts: factsOf(activity, states),
    legend: occurring,
    overTime: bars(`Jobs by ${unit} and state`, {
      labels: buckets.map((it) => (unit === 'hour' ? it.slice(11) : it.slice(5))),
      series: seriesOf(inTime),
    }),
    ofKinds: lyingBars('Jobs by kind and state', {
      labels: barsOf.map(({ name }) => name),
      series: seriesOf(barsOf.map(({ of }) => of)),
    }),
    waiting: bars('Time until the first stint', { labels: BIN_NAMES, series: binned(activity.waits), ...HALF }),
    running: bars('Running time', { labels: BIN_NAMES, series: binned(activity.runs), ...HALF }),
    kinds: {
      words: 1,
      head: ['Kind', 'Jobs', 'Succeeded', 'Failed', 'Cancelled', 'Not ended', 'Running time', 'Per job'],
      rows: kinds.map(({ kind, jobs, runMs, states: of }) => {
        const [done = 0, failed = 0, cancelled = 0] = [of['succeeded'], of['failed'], of['cancelled']]
        const counts = [jobs, done, failed, cancelled, jobs - done - failed - cancelled].map(spaced)
        return [kind, ...counts, duration(runMs), duration(runMs / jobs)]
      }),
    },
    errors: {
      words: 2,
      head: ['Kind', 'Error', 'Jobs'],
      rows: activity.errors
        .toSorted((a, b) => b[2] - a[2])
        .slice(0, MAX_ERRORS)
        .map(([kind, code, jobs]) => [kind, code, spaced(jobs)]),
    },
    longest: {
      words: 3,
      head: ['Job', 'Kind', 'State', 'Stints', 'Running time'],
      rows: activity.longest.map(({ id, kind, name, state, runMs, stints }) => [
        name ?? id,
        kind,
        state,
        String(stints),
        duration(runMs),
      ]),
    },
  }
}

/** Two of them stand side by side. */
const HALF = { width: 360, height: 160 }

const sumOf = (all: Record<string, number>[]): Record<string, number> => {
  const sum: Record<string, number> = {}
  for (const [state, jobs] of all.flatMap((it) => Object.entries(it))) sum[state] = (sum[state] ?? 0) + jobs
  return sum
}

const factsOf = (activity: Activity, states: Record<string, number>): [string, string][] => {
  const [succeeded = 0, failed = 0] = [states['succeeded'], states['failed']]
  const ended = succeeded + failed
  const runMs = activity.cells.reduce((sum, [, , , , ms]) => sum + ms, 0)
  return [
    ['Jobs', spaced(jobsIn(activity))],
    ['Succeeded', ended === 0 ? '–' : `${((100 * succeeded) / ended).toFixed(1)} %`],
    ['Failed', spaced(failed)],
    ['Running time', duration(runMs)],
  ]
}

/** 12345 as 12 345, with spaces that don't break. */
const spaced = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, '\u00a0')

const duration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`
  if (ms < 360_000_000) return `${(ms / 3_600_000).toFixed(1)} h`
  return `${spaced(Math.round(ms / 3_600_000))} h`
}
