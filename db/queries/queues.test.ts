import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import type { Sql } from '../client.ts'
import { listFallenDue, listOverdue } from './queues.ts'

/** How often this transaction has looked into an index of the jobs. */
const countLooks = async (tx: Sql): Promise<number> => {
  const [row] = await tx<[{ looks: number }]>`
    SELECT idx_scan::integer AS looks FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`
  return row.looks
}

test('the sweep looks once for each project of which nothing is due, however many levels of priority there are', async ({
  world: { app, sql },
}) => {
  await insertJobs(
    app,
    Array.from({ length: 300 }, () => ({ projectId: newId(), delaySeconds: 600 })),
  )
  const looks = await sql.begin(async (tx) => {
    const before = await countLooks(tx)
    expect(await listOverdue(tx, 2, 1_000)).toEqual([])
    expect(await listFallenDue(tx, new Date(Date.now() - 2_000), 890)).toMatchObject([{ jobs: 0 }])
    return (await countLooks(tx)) - before
  })
  expect(looks).toBeLessThan(2 * 300 + 20)
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
    Object.fromEntries((await listOverdue(sql, 2, atMost)).map(({ queue, startable }) => [queue, startable]))
  expect(await counted(1_000)).toEqual({ default: 5, bulk: 3 })
  expect(await counted(4)).toEqual({ default: 4, bulk: 3 })
  await sql`UPDATE queues SET paused_at = now() WHERE name = 'default'`
  expect(await counted(1_000)).toEqual({ bulk: 3 })
})
