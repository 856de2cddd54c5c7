import type { Job } from '../../data/job.ts'
import { quantity, relative } from '../../parts/format.ts'

type Because = NonNullable<Job['waitingBecause']>

/** Why the job isn't running, and when it may. A time that has passed by `now` tells nothing of the future. */
export const waitingSentence = (because: Because, now: number): string => {
  if ('until' in because) {
    const until = isAhead(because.until, now) ? relative(because.until, now) : 'now'
    return because.reason === 'retry' ? `It runs again ${until}.` : `It is due ${until}.`
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
      return limitSentence(because)
    case 'behind':
      return because.jobs === 0 ? 'It is next.' : `${quantity(because.jobs, 'job is', 'jobs are')} ahead of it.`
  }
}

const limitSentence = ({ of, limit }: Extract<Because, { reason: 'limit' }>): string =>
  of === 'rate'
    ? 'Its kind has reached its rate limit.'
    : `Its ${of} has reached its limit of ${quantity(limit, 'job')} at once.`
