/** SQS delays a message for at most 15 minutes (AWS: "Amazon SQS message timers"). For later jobs the sweep rings. */
export const MAX_DOORBELL_DELAY_SECONDS = 900

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

/** How many whole seconds a doorbell must wait so that its job is due when it rings; null if that is too long for SQS. */
export const doorbellDelaySeconds = (delayMs: number): number | null => {
  if (delayMs <= 0) return 0
  const seconds = Math.ceil(delayMs / 1_000) + 1
  return seconds <= MAX_DOORBELL_DELAY_SECONDS ? seconds : null
}
