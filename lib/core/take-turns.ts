import { StintError } from './errors.ts'

export interface TurnLimits {
  /** Pieces of work that run at once. */
  atOnce: number
  /** Of one, who may be a person or a project. */
  ofOne: number
  /** That wait, of one, and how long each may. */
  waitingOfOne: number
  waitMs: number
}

/**
 * Runs pieces of work in turns. Next is whose work runs least at that moment, and of several who came first: somebody who asks
 * for a hundred at once keeps nobody else waiting for all of them.
 * @throws {StintError} RATE_LIMITED when too many of one wait, or one has waited too long
 */
export const takeTurns = ({
  atOnce,
  ofOne,
  waitingOfOne,
  waitMs,
}: TurnLimits): (<T>(who: string, work: () => Promise<T>) => Promise<T>) => {
  const running = new Map<string, number>()
  const waiting: { who: string; begin: () => void }[] = []
  let busy = 0
  const runningOf = (who: string): number => running.get(who) ?? 0

  const beginNext = (): void => {
    if (busy >= atOnce) return
    const least = Math.min(...waiting.map((it) => runningOf(it.who)))
    const next = waiting.findIndex(({ who }) => runningOf(who) === least)
    const [begun] = least < ofOne ? waiting.splice(next, 1) : []
    if (!begun) return
    busy++
    running.set(begun.who, least + 1)
    begun.begin()
  }
  const end = (who: string): void => {
    busy--
    const left = runningOf(who) - 1
    if (left > 0) running.set(who, left)
    else running.delete(who)
    beginNext()
  }

  const turnOf = (who: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(turn), 1)
        reject(tooMany())
      }, waitMs)
      const turn = { who, begin }
      waiting.push(turn)
      beginNext()
    })

  return async (who, work) => {
    if (waiting.filter((it) => it.who === who).length >= waitingOfOne) throw tooMany()
    await turnOf(who)
    try {
      return await work()
    } finally {
      end(who)
    }
  }
}

const tooMany = (): StintError =>
  new StintError('RATE_LIMITED', 'Too many of these at once. Try again in 1 s.', { headers: { 'retry-after': '1' } })
