import type { JobState } from '../../../../db/queries/jobs.ts'
import { percent } from './format.ts'

export const Progress = ({ value, state, label }: { value: number; state: JobState; label: string }) => (
  <span class="progress" data-state={state}>
    <progress max={1} value={value} aria-label={label} />
    <output>{percent(value)}</output>
  </span>
)
