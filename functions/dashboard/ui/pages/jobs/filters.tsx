import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { STATES } from '../../../../../lib/jobs/states.ts'
import { QUEUES } from '../../../../../lib/queue/doorbells.ts'
import { addressWith } from '../../data/address.ts'
import { useKinds } from '../../data/kinds.ts'
import { useCounts } from './counts.ts'
import { type JobFilter, TIMES } from './filter.ts'

/** The filters are kept in the page's address, so that a view can be bookmarked and shared. */
export const JobFilters = ({ filter }: { filter: JobFilter }) => {
  const { route, query, path } = useLocation()
  const { kinds } = useKinds()
  const countOf = useCounts(filter)
  const wantsTimes = useSignal(false)
  // Each of the four takes seven presses of Tab to pass, and a line on a phone. So they are hidden until they are wanted.
  const showsTimes = wantsTimes.value || TIMES.some((name) => filter[name] !== undefined)
  const isFiltered = Object.keys(filter).length > 0
  /** A step of its own in the browser's history: Back undoes it. */
  const choose = (name: keyof JobFilter, value: string): void =>
    route(addressWith(path, query, { [name]: value || undefined, cursor: undefined }))
  /** Typing changes a field in several steps; Back undoes all of them at once. */
  const type = (name: keyof JobFilter, value: string): void =>
    route(addressWith(path, query, { [name]: value || undefined, cursor: undefined }), filter[name] !== undefined)

  return (
    <search class="filters">
      <div class="filter-states">
        <fieldset class="states">
          <legend class="unseen">State</legend>
          {[undefined, ...STATES].map((state) => (
            <label key={state ?? 'all'} data-state={state}>
              <input
                type="radio"
                name="state"
                checked={filter.state === state}
                onChange={() => choose('state', state ?? '')}
              />
              <span>
                {state ?? 'all'} {state && <small>{countOf(state)}</small>}
              </span>
            </label>
          ))}
        </fieldset>
        <button type="button" class="button quiet" disabled={!isFiltered} onClick={() => route(path)}>
          Clear
        </button>
      </div>
      {filter.submittedBy && (
        <p class="filter-submitter">
          Submitted by
          <a class="mono" href={`/dashboard/jobs/${filter.submittedBy}`}>
            {filter.submittedBy.slice(-12)}
          </a>
          <button type="button" class="button quiet" onClick={() => choose('submittedBy', '')}>
            Remove
          </button>
        </p>
      )}
      <div class="filter-fields">
        <Choice
          label="Kind"
          all="Every kind"
          value={filter.kind}
          options={kinds.map((it) => it.kind)}
          set={(it) => choose('kind', it)}
        />
        <Choice
          label="Queue"
          all="Every queue"
          value={filter.queue}
          options={[...QUEUES]}
          set={(it) => choose('queue', it)}
        />
        <Text label="Tag" value={filter.tag} set={(it) => type('tag', it)} />
        <Text label="Text in name or input" value={filter.text} set={(it) => type('text', it)} />
        <button
          type="button"
          class="button quiet times"
          aria-expanded={showsTimes}
          onClick={() => {
            wantsTimes.value = !showsTimes
          }}
        >
          Times
        </button>
      </div>
      {showsTimes && (
        <div class="filter-fields">
          <Moment label="Queued after" value={filter.queuedAfter} set={(it) => type('queuedAfter', it)} />
          <Moment label="Queued before" value={filter.queuedBefore} set={(it) => type('queuedBefore', it)} />
          <Moment label="Ended after" value={filter.finishedAfter} set={(it) => type('finishedAfter', it)} />
          <Moment label="Ended before" value={filter.finishedBefore} set={(it) => type('finishedBefore', it)} />
        </div>
      )}
    </search>
  )
}

interface FieldProps {
  label: string
  value: string | undefined
  set: (value: string) => void
}

const Choice = ({ label, value, set, all, options }: FieldProps & { all: string; options: string[] }) => (
  <label class="filter">
    <span>{label}</span>
    <select value={value ?? ''} onChange={(event) => set(event.currentTarget.value)}>
      <option value="">{all}</option>
      {options.map((it) => (
        <option key={it}>{it}</option>
      ))}
    </select>
  </label>
)

const Text = ({ label, value, set }: FieldProps) => {
  // The search begins when the typing is done. Until then, a list that updates must not undo what was typed.
  const typed = useSignal<string | undefined>(undefined)
  const forget = (): void => {
    typed.value = undefined
  }
  return (
    <label class="filter">
      <span>{label}</span>
      <input
        type="search"
        value={typed.value ?? value ?? ''}
        onInput={(event) => {
          typed.value = event.currentTarget.value
        }}
        onChange={(event) => {
          set(event.currentTarget.value.trim())
          forget()
        }}
        onBlur={forget}
      />
    </label>
  )
}

const Moment = ({ label, value, set }: FieldProps) => (
  <label class="filter">
    <span>{label}</span>
    <input
      type="datetime-local"
      value={value === undefined ? '' : toLocal(value)}
      onChange={(event) => set(event.currentTarget.value && new Date(event.currentTarget.value).toISOString())}
    />
  </label>
)

/** For `datetime-local`: in the browser's time zone. */
const toLocal = (time: string): string => {
  const at = new Date(time)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
