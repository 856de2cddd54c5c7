import type { Worker } from './worker.ts'

/**
 * The processes of a pool that wait for an invocation. The one that was used last is taken first, so that surplus ones stay
 * unused, and can be told by how long.
 */
export interface IdleWorkers {
  readonly count: number
  has(worker: Worker): boolean
  add(worker: Worker): void
  /** The one that was used last, of those that can be used; undefined if there is none. */
  take(): Worker | undefined
  /** The one that has been unused for the longest, if that is at least this long and another stays. */
  takeSurplus(afterMs: number): Worker | undefined
  remove(worker: Worker): void
}

/** @param now milliseconds of a monotonic clock */
export const createIdleWorkers = (now: () => number): IdleWorkers => {
  /** By when they were used, the longest ago first. */
  const idle: { worker: Worker; sinceMs: number }[] = []

  const removeAt = (nth: number): Worker | undefined => (nth < 0 ? undefined : idle.splice(nth, 1)[0]?.worker)

  return {
    get count() {
      return idle.length
    },
    has: (worker) => idle.some((it) => it.worker === worker),
    add: (worker) => void idle.push({ worker, sinceMs: now() }),
    take: () => removeAt(idle.findLastIndex(({ worker }) => worker.isUsable())),
    takeSurplus: (afterMs) => {
      const [longest] = idle
      return longest && idle.length > 1 && now() - longest.sinceMs >= afterMs ? removeAt(0) : undefined
    },
    remove: (worker) => void removeAt(idle.findIndex((it) => it.worker === worker)),
  }
}
