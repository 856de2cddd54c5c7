import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { hasLiveJobs } from './projects.ts'

test('a project’s jobs are live while they wait, for others too or for room, and while they run', async ({
  world: { app, sql },
}) => {
  const projectId = newId()
  await addEnded(sql, projectId, 3)
  await insertJobs(app, [{}, { concurrencyKey: 'of another project' }])
  expect(await hasLiveJobs(sql, projectId)).toBe(false)
  const [id = ''] = await insertJobs(app, [{ projectId }])
  const live: boolean[] = []
  for (const change of [
    sql`state = 'queued'`,
    sql`concurrency_key = 'room'`,
    sql`state = 'running'`,
    sql`state = 'blocked'`,
    sql`state = 'cancelled'`,
  ]) {
    await sql`UPDATE jobs SET ${change} WHERE id = ${id}`
    live.push(await hasLiveJobs(sql, projectId))
  }
  expect(live).toEqual([true, true, true, true, false])
})

test('none of a project’s ended jobs is read to tell whether it has live ones', async ({ world: { app, sql } }) => {
  const projectId = newId()
  await addEnded(sql, projectId, 3_000)
  await insertJobs(
    app,
    Array.from({ length: 1_000 }, () => ({})),
  )
  await sql`ANALYZE jobs`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => hasLiveJobs(tx, projectId)))
  expect(result).toBe(false)
  // The planner itself looks at the first and the last one.
  expect(rows).toBeLessThan(10)
})
