import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { Pool, Sql } from '../client.ts'
import { listFallenDue, listOverdue } from './queues.ts'

/** How often a statement looks into an index of the jobs. */
const countLooks = async (sql: Pool, work: (tx: Sql) => Promise<unknown>): Promise<number> =>
  sql.begin(async (tx) => {
    const count = async () => {
      const [row] = await tx<[{ looks: number }]>`
        SELECT idx_scan::integer AS looks FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`
      return row.looks
    }
    const before = await count()
    await work(tx)
    return (await count()) - before
  })

/** Three hundred projects that have a job each, of which nothing is due. */
const delayInMany = ({ app }: World): Promise<unknown> =>
  insertJobs(
    app,
    Array.from({ length: 300 }, () => ({ projectId: newId(), delaySeconds: 3_600 })),
  )

test('the sweep looks once for each project of which nothing is due, however many levels of priority there are', async ({
  world,
}) => {
  await delayInMany(world)
  const looks = await countLooks(world.sql, async (tx) => {
    expect(await listOverdue(tx, 2, 1_000)).toEqual({ overdue: [], looked: 300 })
  })
  expect(looks).toBeLessThan(300 + 20)
})

test('what fell due is found by one look, however many projects have jobs that are not', async ({ world }) => {
  const { app, sql } = world
  await delayInMany(world)
  const due = await insertJobs(app, [
    {},
    { delaySeconds: 3_600 },
    { delaySeconds: 3_600, queue: 'bulk', concurrencyKey: 'host' },
    { delaySeconds: 3_600, queue: 'compute' },
  ])
  await sql`
    UPDATE jobs SET start_at = now() - interval '1 second', queued_at = queued_at - (start_at - now())
    WHERE id = ANY (${due}::uuid[])`
  await sql`UPDATE queues SET paused_at = now() WHERE name = 'compute'`
  const looks = await countLooks(sql, async (tx) => {
    const found = await listFallenDue(tx, null, 890)
    expect(found.map(({ queue, jobs }) => [queue, jobs]).toSorted()).toEqual([
      ['bulk', 1],
      ['default', 1],
    ])
  })
  expect(looks).toBe(1)
})

test('what falls due in the moment of a look is not found by the next one', async ({ world: { app, sql } }) => {
  await insertJobs(app, [{ delaySeconds: 3_600 }])
  await sql.begin(async (tx) => {
    await tx`UPDATE jobs SET start_at = now(), queued_at = now() - interval '1 hour'`
    const [found] = await listFallenDue(tx, null, 890)
    expect(found).toMatchObject({ queue: 'default', jobs: 1 })
    expect(await listFallenDue(tx, found?.until ?? null, 890)).toMatchObject([{ queue: null, jobs: 0 }])
  })
})

test('overdue jobs are counted over projects and levels of priority, each queue up to the limit', async ({
  world: { app, sql },
}) => {
  const [one, another] = [newId(), newId()]
  await insertJobs(app, [
    ...[-10, 0, 0, 10].map((priority) => ({ projectId: one, priority })),
    { projectId: one, priority: 5, delaySeconds: 600 },
    { projectId: another, priority: 3 },
    ...[1, 2, 3].map((priority) => ({ projectId: another, queue: 'bulk', priority })),
  ])
  await sql`UPDATE jobs SET start_at = start_at - interval '10 seconds' WHERE start_at <= now()`
  const counted = async (atMost: number) =>
    Object.fromEntries((await listOverdue(sql, 2, atMost)).overdue.map(({ queue, startable }) => [queue, startable]))
  expect(await counted(1_000)).toEqual({ default: 5, bulk: 3 })
  expect(await counted(4)).toEqual({ default: 4, bulk: 3 })
  await sql`UPDATE queues SET paused_at = now() WHERE name = 'default'`
  expect(await counted(1_000)).toEqual({ bulk: 3 })
})
