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

/** Empty polls before it rests: the first may be older than the latest message, the second may still hand on what it got. */
const EMPTY_POLLS = 3

/** How often it polls while it rests, for what other processes publish. */
const REST_MS = 1_000

/** @param consumer whose `pause` and `resume` never throw once it has asked */
export const createRest = (consumer: { pause(): void; resume(): void }, restMs = REST_MS): Rest => {
  let emptyPolls = 0
  let resting: NodeJS.Timeout | undefined
  let ended = false
  const wake = (): void => {
    emptyPolls = 0
    clearTimeout(resting)
    if (resting && !ended) consumer.resume()
    resting = undefined
  }
  return {
    asked: () => {
      emptyPolls++
      if (emptyPolls < EMPTY_POLLS || resting || ended) return
      consumer.pause()
      resting = setTimeout(wake, restMs)
    },
    got: () => {
      emptyPolls = 0
    },
    wake,
    end: () => {
      ended = true
      wake()
    },
  }
}
