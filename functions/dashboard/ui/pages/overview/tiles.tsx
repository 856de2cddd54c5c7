import type { JobState } from '../../../../../db/queries/jobs.ts'
import type { AnswerOf } from '../../../../../lib/client/api.ts'
import { hasEnded } from '../../../../../lib/jobs/states.ts'
import type { Api } from '../../../../http/api.ts'
import { addressWith } from '../../data/address.ts'
import { count } from '../../parts/format.ts'

type Activity = AnswerOf<Api['GET /activity']>['body']

/** A count for each state: of live jobs as they are now, of ended ones in the chosen range. */
export const Tiles = ({ activity: { live, buckets, areAll } }: { activity: Activity }) => {
  const ended = (state: 'succeeded' | 'failed' | 'cancelled') => buckets.reduce((sum, it) => sum + it[state], 0)
  /** The address of the list of the counted jobs; for ended ones, of the same range. */
  const listOf = (state: JobState) =>
    addressWith('/dashboard/jobs', {}, { state, finishedAfter: hasEnded(state) ? buckets[0]?.at : undefined })
  // The API doesn't count further than this.
  const now = (of: number) => (of < live.countedUpTo ? count(of) : `${count(of)}+`)
  const tiles: [JobState, string, string][] = [
    ['running', now(live.running), 'now'],
    ['queued', now(live.queued), 'now'],
    ['blocked', now(live.blocked), 'now'],
    ['succeeded', `${count(ended('succeeded'))}${areAll ? '' : '+'}`, 'in this range'],
    ['failed', count(ended('failed')), 'in this range'],
    ['cancelled', count(ended('cancelled')), 'in this range'],
  ]
  return (
    <ul class="tiles">
      {tiles.map(([state, value, when]) => (
        <li key={state}>
          <a href={listOf(state)} data-state={state}>
            <span class="tile-name">{state}</span>
            <b>{value}</b>
            <small>{when}</small>
          </a>
        </li>
      ))}
    </ul>
  )
}
