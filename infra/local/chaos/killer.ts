import { between, pick, type Random } from './random.ts'

/** What can be killed. */
interface Victim {
  kill(): void
}

export interface Killer {
  started(victim: Victim): void
  ended(victim: Victim): void
  stop(): void
}

const LEAST_PAUSE_MS = 3_000
const LONGEST_PAUSE_MS = 12_000

/** Kills one of the running ones again and again, at random intervals. */
export const startKiller = (random: Random): Killer => {
  const alive = new Set<Victim>()
  let timer: NodeJS.Timeout
  const wait = (): void => {
    timer = setTimeout(strike, between(random, LEAST_PAUSE_MS, LONGEST_PAUSE_MS))
  }
  const strike = (): void => {
    wait()
    if (alive.size > 0) pick(random, [...alive]).kill()
  }
  wait()
  return {
    started: (victim) => void alive.add(victim),
    ended: (victim) => void alive.delete(victim),
    stop: () => clearTimeout(timer),
  }
}
