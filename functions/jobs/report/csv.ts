import { csvLine } from '../../../lib/core/csv.ts'
import type { Activity } from './activity.ts'

/** A line for each hour or day, kind and state. */
export const toCsv = ({ cells }: Activity, unit: 'hour' | 'day'): string => {
  const lines = cells
    .toSorted((a, b) => (a.slice(0, 3).join('\n') < b.slice(0, 3).join('\n') ? -1 : 1))
    .map(([bucket, kind, state, jobs, runMs]) => [bucket, kind, state, jobs, runMs / 1_000])
  return [[unit, 'kind', 'state', 'jobs', 'running_seconds'], ...lines].map(csvLine).join('')
}
