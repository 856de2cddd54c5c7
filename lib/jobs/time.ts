/** How the engine divides a function's time. All in milliseconds. */
export interface FunctionTime {
  /** The function's time when the invocation began. */
  totalMs: number
  remainingMs: () => number
}

/** The end that is kept for writing outcomes: 10 % of the function's time, at most 2 s. */
export const hardStopMs = (totalMs: number): number => Math.min(2_000, totalMs * 0.1)

/**
 * What must be left for a job to go on after a safe point: the hard stop, and before it twice the longest gap between
 * its safe points, but no less than 10 % and no more than 50 % of the function's time.
 */
export const marginMs = (totalMs: number, longestGapMs: number): number =>
  hardStopMs(totalMs) + Math.min(totalMs * 0.5, Math.max(totalMs * 0.1, longestGapMs * 2))
