import { expect } from 'vitest'
import { z } from 'zod'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob } from './define.ts'

test('jobs that take long within fenced leave connections to what keeps them', async ({ world: { app, sql } }) => {
  const open = Promise.withResolvers<void>()
  const jobs = 3 * app.config.database.maxConnections
  let begun = 0
  let within = 0
  const patient = defineJob({
    kind: 'test.patient',
    summary: 'Waits within a transaction',
    input: z.object({}),
    output: z.null(),
    async *run({ fenced }) {
      begun++
      await fenced(async () => {
        within++
        await open.promise
      })
      return null
    },
  })
  await insertJobs(
    app,
    Array.from({ length: jobs }, () => ({ kind: 'test.patient', input: '{}' })),
  )
  const invoked = invoke(createEngine(app, [patient]))
  await expect.poll(() => begun, { timeout: 30_000 }).toBe(jobs)
  await expect.poll(() => within, { timeout: 30_000 }).toBeGreaterThan(0)
  expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  open.resolve()
  await invoked
  expect(within).toBe(jobs)
  expect(await sql`SELECT DISTINCT state FROM jobs`).toEqual([{ state: 'succeeded' }])
})
