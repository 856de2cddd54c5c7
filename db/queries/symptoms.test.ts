import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { listStuck } from './symptoms.ts'

test('jobs that nobody will free are found among those that wait, whatever the planner knows of those that have ended', async ({
  world: { app, sql },
}) => {
  const ids = await insertJobs(
    app,
    Array.from({ length: 100 }, () => ({ waitsFor: 1, hasParents: true })),
  )
  // It believes that all jobs are blocked.
  await sql`ANALYZE jobs`
  await addEnded(sql, newId(), 3_000)
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => listStuck(tx, 1_000)))
  expect(result.map((it) => it.id)).toEqual(ids.toSorted())
  expect(rows).toBeLessThan(200)
})
