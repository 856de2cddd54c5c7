/** Runs something each so many seconds, and sooner when nudged; never twice at once. */
export interface PeriodicTimer {
  /** There may be something to do now. Nudges during a run make one more run after it, however many they are. */
  nudge(): void
  /** Resolves when the run that is under way has ended. */
  stop(): Promise<void>
}

/** What comes each hour comes soon after the start, too: a stack on a laptop seldom runs for an hour. */
const FIRST_WITHIN_SECONDS = 60

/** @param run reports its failures itself and never rejects */
export const startPeriodicTimer = (everySeconds: number, run: () => Promise<void>): PeriodicTimer => {
  let running: Promise<void> | undefined
  let again = false
  let stopped = false

  const runWhileNudged = async (): Promise<void> => {
    do {
      again = false
      await run()
    } while (again && !stopped)
    running = undefined
  }

  const nudge = (): void => {
    again = true
    if (!stopped) running ??= runWhileNudged()
  }

  const timer = setInterval(nudge, everySeconds * 1_000)
  const first = everySeconds > FIRST_WITHIN_SECONDS ? setTimeout(nudge, FIRST_WITHIN_SECONDS * 1_000) : undefined
  return {
    nudge,
    stop: async () => {
      stopped = true
      clearInterval(timer)
      clearTimeout(first)
      await running
    },
  }
}
