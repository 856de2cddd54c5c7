import { between, type Random } from './random.ts'

const LONGEST_PAUSE_MS = 1_000

/**
 * Cuts a stint about twice a second: the next one that comes to a safe point. By time and not by the number of safe points,
 * because a job may pass one each microsecond and must still get on.
 */
export const createCuts = (random: Random, now: () => number = () => performance.now()): (() => boolean) => {
  const nextAt = (): number => now() + between(random, 0, LONGEST_PAUSE_MS)
  let at = nextAt()
  return () => {
    if (now() < at) return false
    at = nextAt()
    return true
  }
}
