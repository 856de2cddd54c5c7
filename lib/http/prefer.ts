/** The longest that an answer may wait: API Gateway gives up after 30 s. */
const MAX_WAIT_SECONDS = 20

/**
 * How many seconds the caller wants the answer to wait (`Prefer: wait=10`, RFC 7240), at most 20; undefined when that
 * isn't said. What can't be understood is ignored, as the RFC wants it, and so is every wish after the first.
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
