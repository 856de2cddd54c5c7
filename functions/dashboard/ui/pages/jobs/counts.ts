import type { AnswerOf } from '../../../../../lib/client/api.ts'
import { hasEnded } from '../../../../../lib/jobs/states.ts'
import type { Api } from '../../../../http/api.ts'
import { api } from '../../data/client.ts'
import { projectQuery } from '../../data/projects.ts'
import { useQuery } from '../../data/query.ts'
import { count } from '../../parts/format.ts'
import type { JobFilter } from './filter.ts'

type Activity = AnswerOf<Api['GET /activity']>['body']
type State = NonNullable<JobFilter['state']>

const PAUSE_MS = 5_000
/** The shortest span that the API takes. What ended in it is not shown. */
const MINUTES = 5

/** How many jobs are in each state. Only all jobs are counted, so beside a list with another filter no numbers are shown. */
export const useCounts = ({ state: _, ...others }: JobFilter): ((state: State) => string) => {
  const isWhole = Object.keys(others).length === 0
  const { data } = useQuery(
    `counts ${isWhole ? JSON.stringify(projectQuery.value) : 'of none'}`,
    async (signal) =>
      isWhole ? api.call('GET /activity', { query: { ...projectQuery.value, minutes: MINUTES }, signal }) : undefined,
    { pauseMs: PAUSE_MS, still: !isWhole },
  )
  return (state) => (data ? shown(data, state) : '')
}

const shown = ({ live, ended }: Activity, state: State): string => {
  const [value, isMore] = hasEnded(state)
    ? [ended[state], ended.atLeast.includes(state)]
    : [live[state], live[state] >= live.countedUpTo]
  if (!isMore) return count(value)
  // None was found among those that were looked at. There may be some among the others.
  return value > 0 ? `${count(value)}+` : ''
}
