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
