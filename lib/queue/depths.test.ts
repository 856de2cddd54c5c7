import { expect } from 'vitest'
import type { Pool } from '../../db/client.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { readDepths } from './depths.ts'

const addQueued = ({ sql }: World, jobs: number) => sql`
  INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input)
  SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'queued', 'test.echo', 'bulk', '{}' FROM generate_series(1, ${jobs}::integer)`

/** An app whose clock stands still until it is moved, and that notes each count of the jobs. */
const watched = ({ app }: World) => {
  const state = { at: Date.now(), counts: 0 }
  const sql = new Proxy(app.sql, {
    apply: (target, self, given: [TemplateStringsArray, ...unknown[]]) => {
      if (given[0].join('').includes('oldest_due_seconds')) state.counts++
      return Reflect.apply(target, self, given)
    },
  }) as Pool
  return { app: { ...app, sql, clock: { now: () => state.at } }, state }
}

const bulkOf = ({ queues, countedSecondsAgo }: Awaited<ReturnType<typeof readDepths>>) => ({
  queued: queues.find((it) => it.name === 'bulk')?.queued,
  countedSecondsAgo,
})

test('few jobs are counted anew for each who asks', async ({ world }) => {
  const { app } = watched(world)
  await addQueued(world, 9_999)
  expect(bulkOf(await readDepths(app))).toEqual({ queued: 9_999, countedSecondsAgo: 0 })
  await insertJobs(world.app, [{ queue: 'bulk' }])
  expect(bulkOf(await readDepths(app))).toEqual({ queued: 10_000, countedSecondsAgo: 0 })
})

test('many jobs are counted as often as 25 000 a second allow, and once for all who ask; whether a queue is paused is told at once', async ({
  world,
}) => {
  const { app, state } = watched(world)
  await addQueued(world, 50_000)
  expect(bulkOf(await readDepths(app))).toEqual({ queued: 50_000, countedSecondsAgo: 0 })
  await insertJobs(world.app, [{ queue: 'bulk' }])
  await world.sql`UPDATE queues SET paused_at = now() WHERE name = 'bulk'`
  state.at += 1_999
  const known = await readDepths(app)
  expect(bulkOf(known)).toEqual({ queued: 50_000, countedSecondsAgo: 1 })
  expect(known.queues.filter((it) => it.pausedAt !== null).map((it) => it.name)).toEqual(['bulk'])
  expect(state.counts).toBe(1)
  state.at += 1
  const read = await Promise.all(Array.from({ length: 5 }, () => readDepths(app)))
  expect(read.map(bulkOf)).toEqual(Array(5).fill({ queued: 50_001, countedSecondsAgo: 0 }))
  expect(state.counts).toBe(2)
  // Where the clock was put back nobody knows how old it is.
  state.at -= 60_000
  await readDepths(app)
  expect(state.counts).toBe(3)
})

test('a count that failed is tried again by the next who asks', async ({ world }) => {
  const { app, state } = watched(world)
  await addQueued(world, 20_000)
  await readDepths(app)
  state.at += 60_000
  await world.sql`ALTER TABLE jobs RENAME TO elsewhere`
  await expect(readDepths(app)).rejects.toThrow('jobs')
  await world.sql`ALTER TABLE elsewhere RENAME TO jobs`
  expect(bulkOf(await readDepths(app))).toEqual({ queued: 20_000, countedSecondsAgo: 0 })
})
