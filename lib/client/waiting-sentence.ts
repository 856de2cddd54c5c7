/** `waitingBecause` of a job, as the API answers it. */
export type WaitingBecause =
  | { reason: 'delayed' | 'retry'; until: string }
  | { reason: 'after'; jobs: number; expectedStartAt: string | null }
  | { reason: 'paused'; queue: string; expectedStartAt: string | null }
  | { reason: 'unknown-kind'; kind: string; expectedStartAt: string | null }
  | {
      reason: 'limit'
      limit: number
      of: 'kind' | 'key' | 'rate'
      key?: string | undefined
      expectedStartAt: string | null
    }
  | { reason: 'behind'; jobs: number; expectedStartAt: string | null }

/**
 * Why a job isn't running, and when it may. A time that has passed by `now` tells nothing of the future.
 * @param ahead this many milliseconds, in words: `5 min`
 */
export const waitingSentence = (because: WaitingBecause, now: number, ahead: (ms: number) => string): string => {
  const inTime = (time: string): string | null => {
    const ms = Date.parse(time) - now
    return ms > 0 ? `in ${ahead(ms)}` : null
  }
  if ('until' in because) {
    const until = inTime(because.until) ?? 'now'
    return because.reason === 'retry' ? `It runs again ${until}.` : `It is due ${until}.`
  }
  const expected = because.expectedStartAt === null ? null : inTime(because.expectedStartAt)
  return `${reasonOf(because)}${expected === null ? '' : ` It may start ${expected}.`}`
}

const reasonOf = (because: Exclude<WaitingBecause, { until: string }>): string => {
  switch (because.reason) {
    case 'after':
      return `It runs after ${many(because.jobs, 'a job that has', 'jobs that have')} not ended.`
    case 'paused':
      return `The queue ${because.queue} is paused.`
    case 'unknown-kind':
      return `There is no kind ${because.kind} any more, so nobody runs it.`
    case 'limit':
      return limitSentence(because)
    case 'behind':
      return because.jobs === 0
        ? 'It is next.'
        : `${because.jobs} ${because.jobs === 1 ? 'job is' : 'jobs are'} ahead of it.`
  }
}

const limitSentence = ({ of, key, limit }: Extract<WaitingBecause, { reason: 'limit' }>): string =>
  of === 'rate'
    ? 'Its kind has reached its rate limit.'
    : `Its ${of}${key ? ` “${key}”` : ''} has reached its limit of ${limit} ${limit === 1 ? 'job' : 'jobs'} at once.`

const many = (count: number, one: string, more: string): string => (count === 1 ? one : `${count} ${more}`)
