import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../../lib/core/log.ts'
import type { DoorbellQueue, Ring } from '../../../lib/queue/doorbells.ts'
import { mergeRings } from '../../../lib/queue/ring.ts'

/**
 * The pause from the beginning of a send to the next one: a millisecond for each claim that it was worth. So it is short up to a
 * thousand jobs a second, where each job waits for its start, and grows beyond that, where requests to SQS would take a fifth
 * of the process's time.
 */
const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 60

/**
 * Gathers doorbells, in a process that goes on after its answer (a Lambda function doesn't). The first is sent at once, and
 * nobody waits for it; those of the next moment are merged and sent together. What can't be sent is logged, and what is left
 * when the process stops is dropped: the rows are the truth, and the sweep rings for them.
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
      // So that it is sent before the answers to the submissions, which take longer to make.
      await nextTurn()
    },
  }
}

const worthOf = (rings: readonly Ring[]): number => rings.reduce((sum, { n }) => sum + n, 0)
