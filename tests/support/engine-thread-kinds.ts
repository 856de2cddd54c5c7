import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'

/** Computes without ever waiting; a negative number of turns never ends and never yields. */
export const spin = defineJob({
  kind: 'test.spin',
  summary: 'Spins',
  isolation: 'thread',
  input: z.object({ turns: z.int() }),
  output: z.object({ turns: z.int() }),
  checkpoint: z.object({ turn: z.int() }),
  async *run({ input, checkpoint, log }) {
    while (input.turns < 0) Math.sqrt(2)
    for (let turn = checkpoint?.turn ?? 0; turn < input.turns; turn++) {
      log.info('turned', { turn })
      yield { checkpoint: { turn: turn + 1 }, progress: (turn + 1) / input.turns, durable: turn === 1 }
    }
    return { turns: input.turns }
  },
})
