import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import type { Sql } from '../client.ts'
import * as dependencies from './dependencies.ts'
import { countEnded, listActivity, listFailures, listRelatives } from './insights.ts'

test('who belongs to many projects sees less of each, and reads no more than others', async ({ world: { sql } }) => {
  const projectId = newId()
  const [idFrom = ''] = await addEnded(sql, projectId, 1_200)
  const among = (count: number) => [projectId, ...Array.from({ length: count - 1 }, () => newId())]
  const countEnded = async (projects: number) => {
    const spans = { idFrom, bucketSeconds: 3_600, count: 24 }
    const { buckets, areAll } = await listActivity(sql, among(projects), spans)
    return [buckets.reduce((sum, it) => sum + it.succeeded, 0), areAll]
  }
  expect([await countEnded(1), await countEnded(100)]).toEqual([
    [1_200, true],
    [1_000, false],
  ])
  await sql`UPDATE jobs SET state = 'failed', error = '{"code": "ERROR", "message": "it broke"}'`
  const countFailed = async (projects: number) => {
    const groups = await listFailures(sql, among(projects), { since: new Date(0), limit: 10 })
    return groups.map((it) => it.count)
  }
  expect([await countFailed(1), await countFailed(100)]).toEqual([[1_200], [200]])
})

test.for(['unknown', 'known'])(
  'failures and cancels are seen behind any number of later successes, with their number %s to the planner',
  async (number, { world: { sql } }) => {
    const projectId = newId()
    if (number === 'unknown') await sql`ANALYZE jobs`
    const [idFrom = '', ...others] = await addEnded(sql, projectId, 10_200)
    await sql`UPDATE jobs SET state = 'failed' WHERE id = ANY (${[idFrom, ...others.slice(0, 2)]}::uuid[])`
    await sql`UPDATE jobs SET state = 'cancelled' WHERE id = ANY (${others.slice(2, 4)}::uuid[])`
    if (number === 'known') await sql`ANALYZE jobs`
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      const { result, rows } = await sql.begin(async (tx) => {
        await tx`SELECT set_config('plan_cache_mode', ${mode}, true)`
        const spans = { idFrom, bucketSeconds: 3_600, count: 24 }
        return rowsRead(tx, () => listActivity(tx, [projectId], spans))
      })
      const sum = (state: 'succeeded' | 'failed' | 'cancelled') =>
        result.buckets.reduce((all, it) => all + it[state], 0)
      expect([sum('succeeded'), sum('failed'), sum('cancelled'), result.areAll]).toEqual([10_000, 3, 2, false])
      expect(rows, mode).toBeLessThan(10_100)
    }
  },
)

test.for(['unknown', 'known'])(
  'what ended is counted exactly where it is little, and else no further than 20 000 jobs, with its number %s to the planner',
  async (number, { world: { sql } }) => {
    const [large, small, empty] = [newId(), newId(), newId()]
    if (number === 'unknown') await sql`ANALYZE jobs`
    const few = await addEnded(sql, small, 30)
    await sql`UPDATE jobs SET state = 'failed' WHERE id = ANY (${few.slice(0, 4)}::uuid[])`
    await sql`UPDATE jobs SET state = 'cancelled' WHERE id = ANY (${few.slice(4, 6)}::uuid[])`
    await sql`UPDATE jobs SET state = 'queued', finished_at = NULL WHERE id = ${few[6] ?? ''}`
    const many = await addEnded(sql, large, 20_200)
    await sql`UPDATE jobs SET state = 'failed' WHERE id = ANY (${many.slice(0, 10_100)}::uuid[])`
    if (number === 'known') await sql`ANALYZE jobs`
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      const counted = (projectIds: string[]) =>
        sql.begin(async (tx) => {
          await tx`SELECT set_config('plan_cache_mode', ${mode}, true)`
          return rowsRead(tx, () => countEnded(tx, projectIds))
        })
      const ofSmall = await counted([small, empty])
      expect(ofSmall.result).toEqual({ succeeded: 23, failed: 4, cancelled: 2, atLeast: [] })
      expect(ofSmall.rows, mode).toBeLessThan(100)
      const ofLarge = await counted([large])
      // Of the oldest 20 000.
      expect(ofLarge.result).toEqual({
        succeeded: 9_900,
        failed: 10_000,
        cancelled: 0,
        atLeast: ['succeeded', 'failed'],
      })
      expect(ofLarge.rows, mode).toBeLessThan(31_000)
    }
    expect(await countEnded(sql, [])).toEqual({ succeeded: 0, failed: 0, cancelled: 0, atLeast: [] })
  },
)

/** The most rows that a step of a statement's plan gives. */
const mostRows = async (sql: Sql, statement: (sql: Sql) => Promise<unknown>): Promise<number> => {
  const explaining = new Proxy(sql, {
    apply: (target, _, [text, ...values]) => {
      const isStatement = text.raw !== undefined && values.length > 0
      const explained = Object.assign([...text], { raw: text.raw })
      explained[0] = `EXPLAIN (ANALYZE, COSTS OFF) ${text[0]}`
      return Reflect.apply(target, undefined, [isStatement ? explained : text, ...values])
    },
  })
  const lines = (await statement(explaining)) as { 'QUERY PLAN': string }[]
  const rows = lines.flatMap((line) =>
    Array.from(
      Object.values(line)
        .join()
        .matchAll(/rows=(\d+)/g),
      ([, it]) => Number(it),
    ),
  )
  return Math.max(...rows)
}

test('the relatives of a job with thousands of children are found without reading all edges and jobs that there are', async ({
  world: { app, sql },
}) => {
  const [parent = ''] = await insertJobs(app, [{ hasChildren: true }])
  const children = await insertJobs(
    app,
    Array.from({ length: 10_000 }, () => ({ hasParents: true, waitsFor: 1 })),
  )
  await dependencies.insert(
    sql,
    children.map((childId) => ({ childId, parentId: parent })),
  )
  await sql`ANALYZE jobs, job_dependencies`
  expect((await listRelatives(sql, parent, 50)).map((it) => it.id)).toEqual([parent, ...children.slice(0, 49)])
  for (const mode of ['force_custom_plan', 'force_generic_plan']) {
    const rows = await sql.begin(async (tx) => {
      await tx`SELECT set_config('plan_cache_mode', ${mode}, true)`
      return mostRows(tx, (it) => listRelatives(it, parent, 50))
    })
    expect(rows, mode).toBeLessThan(1_000)
  }
})
