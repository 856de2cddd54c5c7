/** How long an answer may wait at most: API Gateway gives up after 30 s. */
const MAX_WAIT_SECONDS = 20

/**
 * How many seconds the caller wants the answer to wait (`Prefer: wait=10`, RFC 7240), at most 20; undefined if there is no such
 * preference. As the RFC demands, it ignores what it doesn't understand, and any `wait` after the first.
 */
export const readWaitSeconds = (prefer: string | undefined): number | undefined => {
  for (const preference of (prefer ?? '').split(',')) {
    const [name = '', value = ''] = (preference.split(';')[0] ?? '').split('=').map((part) => part.trim())
    if (name.toLowerCase() !== 'wait') continue
    const seconds = /^"?(\d{1,9})"?$/.exec(value)?.[1]
    return seconds === undefined ? undefined : Math.min(MAX_WAIT_SECONDS, Number(seconds))
  }
  return undefined
}

/** Tells the caller that the answer waited, and for how long at most. */
export const waited = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { 'preference-applied': `wait=${seconds}` }
