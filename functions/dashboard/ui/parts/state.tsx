import type { JobState } from '../../../../db/queries/jobs.ts'

/** A job's state, by name and colour. */
export const State = ({ state, note }: { state: JobState; note?: string | undefined }) => (
  <span class="state" data-state={state}>
    {state}
    {note && <small>{note}</small>}
  </span>
)
