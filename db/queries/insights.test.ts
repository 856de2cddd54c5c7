import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { test } from '../../tests/support/world.ts'
import { listActivity, listFailures } from './insights.ts'

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
