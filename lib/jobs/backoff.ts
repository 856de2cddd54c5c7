/**
 * Exponential backoff with full jitter: anything between nothing and base × 2^(attempt − 1), capped.
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 *
 * @param attempt the attempt that failed, from 1
 * @param random a number in [0, 1)
 * @returns milliseconds
 */
export const backoffMs = (
  { baseSeconds, capSeconds }: { baseSeconds: number; capSeconds: number },
  attempt: number,
  random: number,
): number => Math.round(random * Math.min(capSeconds, baseSeconds * 2 ** (attempt - 1)) * 1_000)
