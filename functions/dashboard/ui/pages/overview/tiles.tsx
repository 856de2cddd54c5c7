import type { JobState } from '../../../../../db/queries/jobs.ts'
import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { count } from '../../parts/format.ts'

type Activity = AnswerOf<Api['GET /activity']>['body']

/** The counts of each state: of those that live, now; of those that ended, in the span. */
export const Tiles = ({ activity: { live, buckets } }: { activity: Activity }) => {
  const ended = (state: 'succeeded' | 'failed' | 'cancelled') => buckets.reduce((sum, it) => sum + it[state], 0)
  const tiles: [JobState, number, string][] = [
    ['running', live.running, 'now'],
    ['queued', live.queued, 'now'],
    ['blocked', live.blocked, 'now'],
    ['succeeded', ended('succeeded'), 'in this time'],
    ['failed', ended('failed'), 'in this time'],
    ['cancelled', ended('cancelled'), 'in this time'],
  ]
  return (
    <ul class="tiles">
      {tiles.map(([state, value, when]) => (
        <li key={state}>
          <a href={`/dashboard/jobs?state=${state}`} data-state={state}>
            <span class="tile-name">{state}</span>
            <b>{count(value)}</b>
            <small>{when}</small>
          </a>
        </li>
      ))}
    </ul>
  )
}
