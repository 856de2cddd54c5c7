/** Rests a consumer: it doesn't ask its broker while nothing can have come. */
export interface Rest {
  /** It has asked, or would have but for its rest. */
  asked(): void
  /** It was given something. */
  got(): void
  /** Something was published: it asks again. */
  wake(): void
  end(): void
}

/** The first may have been asked before the latest was published, the second may be about to hand on what it got. */
const IN_VAIN = 3

/** What others publish is found by a look that comes so often. */
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
