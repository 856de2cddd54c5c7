import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { isInUse } from './files.ts'

test('a file is in use while a job of its project that names it waits, for others too or for room, or runs', async ({
  world: { app, sql },
}) => {
  const [projectId, fileId] = [newId(), newId()]
  const file = { id: fileId, projectId }
  const input = JSON.stringify({ fileId })
  await insertJobs(app, [{ input }, { projectId }])
  expect(await isInUse(sql, file)).toBe(false)
  const [id = ''] = await insertJobs(app, [{ projectId, input }])
  const inUse: boolean[] = []
  for (const change of [
    sql`state = 'queued'`,
    sql`concurrency_key = 'room'`,
    sql`state = 'running'`,
    sql`state = 'blocked'`,
    sql`state = 'cancelled'`,
  ]) {
    await sql`UPDATE jobs SET ${change} WHERE id = ${id}`
    inUse.push(await isInUse(sql, file))
  }
  expect(inUse).toEqual([true, true, true, true, false])
})

test('none of a project’s ended jobs is read to tell whether a file is in use', async ({ world: { app, sql } }) => {
  const projectId = newId()
  await addEnded(sql, projectId, 3_000)
  await insertJobs(
    app,
    Array.from({ length: 1_000 }, () => ({})),
  )
  await sql`ANALYZE jobs`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => isInUse(tx, { id: newId(), projectId })))
  expect(result).toBe(false)
  // The planner itself looks at the first and the last one.
  expect(rows).toBeLessThan(10)
})
