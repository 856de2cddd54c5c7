import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../lib/core/log.ts'
import type { DoorbellQueue, Ring } from '../../lib/queue/doorbells.ts'
import { mergeRings } from '../../lib/queue/ring.ts'

/**
 * Between the beginnings of two sends: a millisecond for each claim that the first was worth. So the pause stays short up
 * to a thousand jobs a second, where each waits for its own start, and grows beyond that, where requests to SQS would
 * take a fifth of the process's time.
 */
const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 60

/**
 * Doorbells of a process that goes on after its answer, which a Lambda function doesn't: the first is sent at once and
 * nobody waits for it, those that come in the next moment go together, as few as can say it. What can't be sent is
 * logged, and what a stop leaves is dropped: the rows are the truth, and the sweep rings for them.
 */
export const gatherDoorbells = (queue: DoorbellQueue, log: Logger): DoorbellQueue => {
  let waiting: Ring[][] = []
  let sending = false

  const send = async (): Promise<void> => {
    sending = true
    while (waiting.length > 0) {
      const rings = mergeRings(waiting.flat())
      const pause = sleep(Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, worthOf(rings))))
      waiting = []
      await queue
        .ring(rings)
        .catch((error) => log.warn({ err: error, doorbells: rings.length }, 'could not ring; the sweep will'))
      await pause
    }
    sending = false
  }

  return {
    ...queue,
    ring: async (rings) => {
      waiting.push(rings)
      if (sending) return
      void send()
      // So that it leaves before the answers of who submitted, which take longer to make.
      await nextTurn()
    },
  }
}

const worthOf = (rings: readonly Ring[]): number => rings.reduce((sum, { n }) => sum + n, 0)
