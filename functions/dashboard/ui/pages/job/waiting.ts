import type { Job } from '../../data/job.ts'
import { relative } from '../../parts/format.ts'

type Because = NonNullable<Job['waitingBecause']>

/** Why the job isn't running, and when it may. A time that has passed by `now` tells nothing of the future. */
export const waitingSentence = (because: Because, now: number): string => {
  if ('until' in because) {
    const until = isAhead(because.until, now) ? relative(because.until, now) : 'now'
    return because.reason === 'retry' ? `It failed, and is tried again ${until}.` : `It is due ${until}.`
  }
  const { expectedStartAt } = because
  const expected =
    expectedStartAt && isAhead(expectedStartAt, now) ? ` It may start ${relative(expectedStartAt, now)}.` : ''
  return `${reasonOf(because)}${expected}`
}

const isAhead = (time: string, now: number): boolean => Date.parse(time) > now

const reasonOf = (because: Exclude<Because, { until: string }>): string => {
  switch (because.reason) {
    case 'after':
      return because.jobs === 1
        ? 'It runs after a job that has not ended.'
        : `It runs after ${because.jobs} jobs that have not ended.`
    case 'paused':
      return `The queue ${because.queue} is paused.`
    case 'limit':
      return `At most ${because.limit} run at once of its ${because.of}.`
    case 'behind':
      return because.jobs === 0 ? 'It is next.' : `Jobs that go before it: ${because.jobs}.`
  }
}
