import { describe, expect } from 'vitest'
import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob } from './define.ts'

describe.for([Number.NaN, Number.POSITIVE_INFINITY])('a safe point with the progress %s', (progress) => {
  const stray = defineJob({
    kind: 'test.stray',
    summary: 'Divides by zero',
    input: z.object({ durable: z.boolean() }),
    output: z.null(),
    async *run({ input }) {
      for (;;) yield { progress, durable: input.durable }
    },
  })

  test.for([true, false])(
    'fails its job, and is not stored (durable: %s)',
    async (durable, { world: { app, sql } }) => {
      const [id = ''] = await insertJobs(app, [{ kind: 'test.stray', input: JSON.stringify({ durable }) }])
      await invoke(createEngine(app, [stray]))
      expect(await jobs.find(sql, id)).toMatchObject({
        state: 'failed',
        attempt: 1,
        progress: 0,
        error: { code: 'PROGRESS_INVALID', message: expect.stringContaining(String(progress)) },
      })
      expect(await sql`SELECT type FROM events WHERE type = 'job.progressed'`).toEqual([])
    },
  )
})
