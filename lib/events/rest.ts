/** Rests a consumer: it stops polling its broker while there can't be anything new. */
export interface Rest {
  /** It has polled, or would have if it weren't resting. */
  asked(): void
  /** It has received something. */
  got(): void
  /** Something was published: it polls again. */
  wake(): void
  end(): void
}

/** Polls in vain before it rests: the first may be older than the latest message, the second may still hand on what it got. */
const IN_VAIN = 3

/** How often it polls while it rests, for what other processes publish. */
const LOOK_MS = 1_000

/** @param consumer whose `pause` and `resume` never throw once it has asked */
export const createRest = (consumer: { pause(): void; resume(): void }, lookMs = LOOK_MS): Rest => {
  let inVain = 0
  let look: NodeJS.Timeout | undefined
  let ended = false
  const wake = (): void => {
    inVain = 0
    clearTimeout(look)
    if (look && !ended) consumer.resume()
    look = undefined
  }
  return {
    asked: () => {
      inVain++
      if (inVain < IN_VAIN || look || ended) return
      consumer.pause()
      look = setTimeout(wake, lookMs)
    },
    got: () => {
      inVain = 0
    },
    wake,
    end: () => {
      ended = true
      wake()
    },
  }
}
