/** Time as the code sees it. Tests give their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/**
 * Whether a moment that was read from this clock is less than this many milliseconds ago. A moment in the future is not recent:
 * the clock was put back since, and nobody knows how long ago it was.
 */
export const isRecent = (clock: Clock, atMs: number, ms: number): boolean => {
  const agoMs = clock.now() - atMs
  return agoMs >= 0 && agoMs < ms
}

export const systemClock: Clock = { now: () => Date.now() }
