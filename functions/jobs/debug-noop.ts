import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'

/** Does nothing: for trying things out, and for measuring what a job costs besides its own work. */
export const debugNoop = defineJob({
  kind: 'debug.noop',
  summary: 'Does nothing, in as many steps and as slowly as asked',
  input: z.strictObject({
    steps: z.int().min(0).max(1_000_000).default(0).meta({ description: 'Safe points that it passes.' }),
    stepMs: z.int().min(0).max(60_000).default(0).meta({ description: 'How long it waits before each.' }),
    // Whatever it is, it was read from JSON: z.json() would look through all of it once more.
    echo: z.unknown().optional().meta({ description: 'Any JSON. Comes back in the result.' }),
  }),
  output: z.object({ steps: z.int(), echo: z.unknown() }),
  checkpoint: z.object({ step: z.int() }),
  queue: 'default',
  concurrency: 500,
  async *run({ input: { steps, stepMs, echo }, checkpoint, signal }) {
    for (let step = (checkpoint?.step ?? 0) + 1; step <= steps; step++) {
      if (stepMs > 0) await sleep(stepMs, undefined, { signal })
      yield { checkpoint: { step }, progress: step / steps }
    }
    return { steps, echo: echo ?? null }
  },
})
