import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../../lib/core/log.ts'

/** Waits between attempts while something is away: longer each time, from the beginning again after a success. */
export interface Backoff {
  failures: number
  /** Resolves when it is time for the next try, or at once when `signal` aborts. */
  pause(signal?: AbortSignal): Promise<void>
  reset(): void
}

export const createBackoff = ({ minMs = 100, maxMs = 2_000 } = {}): Backoff => ({
  failures: 0,
  async pause(signal) {
    const ms = Math.min(maxMs, minMs * 2 ** this.failures++)
    await sleep(ms, undefined, signal ? { signal } : {}).catch(() => {})
  },
  reset() {
    this.failures = 0
  },
})

/** Tries `work` until it succeeds or `signal` aborts. Only the first failure is logged. @returns whether it succeeded */
export const untilDone = async (
  work: () => Promise<void>,
  { log, failed, signal }: { log: Logger; failed: string; signal: AbortSignal },
): Promise<boolean> => {
  const backoff = createBackoff()
  while (!signal.aborted) {
    try {
      await work()
      return true
    } catch (error) {
      if (backoff.failures === 0) log.warn({ err: error }, failed)
      await backoff.pause(signal)
    }
  }
  return false
}
