/** Runs something every this many seconds, and sooner when nudged; never twice at once. */
export interface PeriodicTimer {
  /** There may be something to do now. Nudges during a run make one more run after it, however many they are. */
  nudge(): void
  /** Does something between two runs: after the one that is under way, and before any other. It reports its failures itself. */
  between(work: () => Promise<void>): Promise<void>
  /** Resolves when the run that is under way has ended. */
  stop(): Promise<void>
}

/** What runs each hour runs soon after the start too: a stack on a laptop seldom runs for an hour. */
const FIRST_WITHIN_SECONDS = 60

/**
 * @param run reports its failures itself and never rejects
 * @param gatherMs for how long nudges are gathered before a run, by how long the one before it took (0 for the first)
 */
export const startPeriodicTimer = (
  everySeconds: number,
  run: () => Promise<void>,
  gatherMs: (lastRunMs: number) => number = () => 0,
): PeriodicTimer => {
  let running: Promise<void> | undefined
  let current: Promise<void> | undefined
  let held: Promise<void> | undefined
  let again = false
  let stopped = false
  let lastRunMs = 0
  let stopGathering = (): void => {}

  const gather = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      stopGathering = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const runWhileNudged = async (): Promise<void> => {
    do {
      const ms = gatherMs(lastRunMs)
      if (ms > 0) await gather(ms)
      while (held) await held
      if (stopped) break
      again = false
      const began = performance.now()
      current = run()
      await current
      lastRunMs = performance.now() - began
    } while (again && !stopped)
    running = undefined
  }

  const nudge = (): void => {
    again = true
    if (!stopped) running ??= runWhileNudged()
  }

  const between = async (work: () => Promise<void>): Promise<void> => {
    const before = Promise.all([held, current])
    const mine = before.then(work)
    held = mine
    await mine
    if (held === mine) held = undefined
    nudge()
  }

  const timer = setInterval(nudge, everySeconds * 1_000)
  const first = everySeconds > FIRST_WITHIN_SECONDS ? setTimeout(nudge, FIRST_WITHIN_SECONDS * 1_000) : undefined
  return {
    nudge,
    between,
    stop: async () => {
      stopped = true
      stopGathering()
      clearInterval(timer)
      clearTimeout(first)
      await running
    },
  }
}
