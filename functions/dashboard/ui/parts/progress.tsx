import type { JobState } from '../../../../db/queries/jobs.ts'
import { percent } from './format.ts'

export const Progress = ({ value, state, label }: { value: number; state: JobState; label: string }) => (
  <span class="progress" data-state={state} data-shown={state === 'running' || (value > 0 && value < 1)}>
    <progress max={1} value={value} aria-label={label} />
    <output>{percent(value)}</output>
  </span>
)
