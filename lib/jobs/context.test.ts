import { expect } from 'vitest'
import { z } from 'zod'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob, type SharedJobContext } from './define.ts'

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
  await expect.poll(() => begun).toBe(jobs)
  await expect.poll(() => within).toBeGreaterThan(0)
  expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
  open.resolve()
  await invoked
  expect(within).toBe(jobs)
  expect(await sql`SELECT DISTINCT state FROM jobs`).toEqual([{ state: 'succeeded' }])
})

test('fenced within fenced, and files there, are refused at once and not for half a minute; one after the other they go on', async ({
  world: { app, sql },
}) => {
  type Context = SharedJobContext<unknown, unknown>
  const file = { name: 'a', contentType: 'text/plain', bytes: Buffer.from('a') }
  const uses: Record<string, (context: Context) => Promise<unknown>> = {
    fenced: ({ fenced }) => fenced(() => fenced(async (tx) => tx`SELECT 1`)),
    write: ({ fenced, files }) => fenced(() => files.write(file)),
    remove: ({ fenced, files }) => fenced(() => files.remove(['00000000-0000-7000-8000-000000000001'])),
    beside: ({ fenced, files }) => Promise.all([fenced(async (tx) => tx`SELECT 1`), files.write(file)]),
    // Begun there, and gone on with when the first is over.
    later: async ({ fenced, files }) => {
      const over = Promise.withResolvers<void>()
      const written = await fenced(async () => ({ later: over.promise.then(() => files.write(file)) }))
      over.resolve()
      await written.later
    },
  }
  const kinds = Object.entries(uses).map(([name, use]) =>
    defineJob({
      kind: `test.${name}`,
      summary: 'Uses its own transaction',
      input: z.object({}),
      output: z.null(),
      async *run(context) {
        await use(context)
        return null
      },
    }),
  )
  await sql`INSERT INTO projects (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'Files')`
  await insertJobs(
    app,
    kinds.map(({ kind }) => ({ kind, input: '{}' })),
  )
  await invoke(createEngine(app, kinds))
  const ended = await sql`SELECT kind, state, attempt, error->>'code' AS code FROM jobs ORDER BY kind`
  const refused = { state: 'failed', attempt: 1, code: 'FENCED_WITHIN_FENCED' }
  const done = { state: 'succeeded', attempt: 1, code: null }
  expect(ended).toEqual([
    { kind: 'test.beside', ...done },
    { kind: 'test.fenced', ...refused },
    { kind: 'test.later', ...done },
    { kind: 'test.remove', ...refused },
    { kind: 'test.write', ...refused },
  ])
})
