import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'

export type Relative = AnswerOf<Api['GET /jobs/{jobId}/relatives']>['body']['items'][number]

/** Arranges related jobs in rows. Each is one row below the lowest of the jobs that it runs after. */
export const layers = (relatives: Relative[]): Relative[][] => {
  const byId = new Map(relatives.map((it) => [it.id, it]))
  const depths = new Map<string, number>()
  const depthOf = (id: string): number => {
    const known = depths.get(id)
    if (known !== undefined) return known
    const parents = byId.get(id)?.after ?? []
    const depth = parents.length === 0 ? 0 : 1 + Math.max(...parents.map(depthOf))
    depths.set(id, depth)
    return depth
  }
  const rows: Relative[][] = []
  for (const it of relatives) {
    const depth = depthOf(it.id)
    rows[depth] ??= []
    rows[depth].push(it)
  }
  return rows
}

/** A row of more jobs than that is divided. */
const LONG_ROW = 8
/** Then so many are shown, beside a box for the rest: what a page is wide. */
const SHOWN = 3

/** What somebody looks for first. */
const URGENCY: readonly Relative['state'][] = ['failed', 'running', 'cancelled', 'queued', 'blocked', 'succeeded']

/** Divides a long row into jobs to show, by their states, in the order of the row, and the rest. The job `self` is shown. */
export const fold = (row: Relative[], self: string): { shown: Relative[]; rest: Relative[] } => {
  if (row.length <= LONG_ROW) return { shown: row, rest: [] }
  const rank = (it: Relative): number => (it.id === self ? -1 : URGENCY.indexOf(it.state))
  const first = new Set(row.toSorted((a, b) => rank(a) - rank(b)).slice(0, SHOWN))
  return { shown: row.filter((it) => first.has(it)), rest: row.filter((it) => !first.has(it)) }
}

/** `1 failed, 3 running`. */
export const countStates = (relatives: Relative[]): string =>
  URGENCY.map((state) => [relatives.filter((it) => it.state === state).length, state] as const)
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(', ')
