import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import type { Sql } from '../client.ts'
import * as dependencies from './dependencies.ts'
import { listActivity, listFailures, listRelatives } from './insights.ts'

test('who belongs to many projects sees less of each, and reads no more than others', async ({ world: { sql } }) => {
  const projectId = newId()
  const [idFrom = ''] = await addEnded(sql, projectId, 1_200)
  const among = (count: number) => [projectId, ...Array.from({ length: count - 1 }, () => newId())]
  const countEnded = async (projects: number) => {
    const buckets = await listActivity(sql, among(projects), { idFrom, bucketSeconds: 3_600, count: 24 })
    return buckets.reduce((sum, it) => sum + it.succeeded, 0)
  }
  expect([await countEnded(1), await countEnded(100)]).toEqual([1_200, 1_000])
  await sql`UPDATE jobs SET state = 'failed', error = '{"code": "ERROR", "message": "it broke"}'`
  const countFailed = async (projects: number) => {
    const groups = await listFailures(sql, among(projects), { since: new Date(0), limit: 10 })
    return groups.map((it) => it.count)
  }
  expect([await countFailed(1), await countFailed(100)]).toEqual([[1_200], [200]])
})

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
