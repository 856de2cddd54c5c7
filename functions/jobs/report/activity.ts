import { z } from 'zod'
import type { ActivityRow, LongJob } from '../../../db/queries/activity.ts'

/** Upper bounds of the bins of waiting and running times, in milliseconds; the last bin has none. */
export const BINS_MS = [10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000]

/** The names of the bins. */
export const BIN_NAMES = ['< 10 ms', '< 0.1 s', '< 1 s', '< 10 s', '< 1 min', '< 10 min', '< 1 h', '< 10 h', 'longer']

/** How many of the longest jobs are listed. */
export const LONGEST = 10

const bins = z.array(z.int())

/** Counts of a project's jobs. They can be added: the counts of two periods are the sum of both. */
export const activity = z.object({
  cells: z
    .array(z.tuple([z.string(), z.string(), z.string(), z.int(), z.int()]))
    .meta({ description: 'Of each hour or day, kind and state: how many jobs, and their running time in ms' }),
  waits: z.record(z.string(), bins).meta({ description: 'By kind: jobs per bin of the time until their first stint' }),
  runs: z.record(z.string(), bins).meta({ description: 'By kind: jobs per bin of their running time' }),
  errors: z.array(z.tuple([z.string(), z.string(), z.int()])).meta({ description: 'Kind, code, and how many jobs' }),
  longest: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      name: z.string().nullable(),
      state: z.string(),
      runMs: z.int(),
      stints: z.int(),
    }),
  ),
})
export type Activity = z.infer<typeof activity>

export const nothing = (): Activity => ({ cells: [], waits: {}, runs: {}, errors: [], longest: [] })

/** Adds what was counted of a further stretch of time. @param bucketOf names the hour or day of an instant */
export const add = (
  to: Activity,
  rows: ActivityRow[],
  longest: LongJob[],
  bucketOf: (at: Date) => string,
): Activity => {
  const cells = new Map(to.cells.map((it) => [it.slice(0, 3).join('\n'), it]))
  const errors = new Map(to.errors.map((it) => [it.slice(0, 2).join('\n'), it]))
  const [waits, runs] = [structuredClone(to.waits), structuredClone(to.runs)]
  for (const { kind, quarter, state, errorCode, waitBin, runBin, jobs, runMs } of rows) {
    if (quarter !== null && state !== null) {
      const bucket = bucketOf(quarter)
      const [, , , before = 0, beforeMs = 0] = cells.get([bucket, kind, state].join('\n')) ?? []
      cells.set([bucket, kind, state].join('\n'), [bucket, kind, state, before + jobs, beforeMs + runMs])
    }
    if (errorCode !== null) {
      const [, , before = 0] = errors.get([kind, errorCode].join('\n')) ?? []
      errors.set([kind, errorCode].join('\n'), [kind, errorCode, before + jobs])
    }
    if (waitBin !== null) addToBin(waits, kind, waitBin, jobs)
    if (runBin !== null) addToBin(runs, kind, runBin, jobs)
  }
  return {
    cells: [...cells.values()],
    waits,
    runs,
    errors: [...errors.values()],
    longest: [...to.longest, ...longest].toSorted((a, b) => b.runMs - a.runMs).slice(0, LONGEST),
  }
}

const addToBin = (bins: Record<string, number[]>, kind: string, bin: number, jobs: number): void => {
  bins[kind] ??= BIN_NAMES.map(() => 0)
  const of = bins[kind]
  of[bin] = (of[bin] ?? 0) + jobs
}

/** Jobs by state, of some cells. */
export const byState = (cells: Activity['cells']): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const [, , state, jobs] of cells) counts[state] = (counts[state] ?? 0) + jobs
  return counts
}

/** The kinds with their cells, the most active first. */
export const byKind = ({
  cells,
}: Activity): { kind: string; jobs: number; runMs: number; states: Record<string, number> }[] =>
  [...Map.groupBy(cells, ([, kind]) => kind)]
    .map(([kind, of]) => ({
      kind,
      jobs: of.reduce((sum, [, , , jobs]) => sum + jobs, 0),
      runMs: of.reduce((sum, [, , , , runMs]) => sum + runMs, 0),
      states: byState(of),
    }))
    .toSorted((a, b) => b.jobs - a.jobs || (a.kind < b.kind ? -1 : 1))

export const jobsIn = (activity: Activity): number => activity.cells.reduce((sum, [, , , jobs]) => sum + jobs, 0)
