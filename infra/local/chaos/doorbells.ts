import type { DoorbellQueue, Ring } from '../../../lib/queue/doorbells.ts'
import { between, type Random, shuffled } from './random.ts'

/** What happens to doorbells: to one in ten each; the others are sent as they are. */
const DROPPED = 0.1
const DUPLICATED = 0.1
const DELAYED = 0.1
const LONGEST_DELAY_SECONDS = 5

/** SQS as it may be at its worst: doorbells are lost, come twice, late, and in another order. */
export const disturbDoorbells = (queue: DoorbellQueue, random: Random): DoorbellQueue => {
  const fate = (ring: Ring): Ring[] => {
    const drawn = random()
    if (drawn < DROPPED) return []
    if (drawn < DROPPED + DUPLICATED) return [ring, ring]
    if (drawn < DROPPED + DUPLICATED + DELAYED) return [later(ring, between(random, 1, LONGEST_DELAY_SECONDS))]
    return [ring]
  }
  return {
    ...queue,
    ring: async (rings) => {
      const sent = shuffled(random, rings.flatMap(fate))
      if (sent.length > 0) await queue.ring(sent)
    },
  }
}

/** SQS holds a message back for 15 minutes at most. */
const later = (ring: Ring, seconds: number): Ring => ({
  ...ring,
  delaySeconds: Math.min(900, (ring.delaySeconds ?? 0) + seconds),
})
