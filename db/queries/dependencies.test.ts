import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import * as dependencies from './dependencies.ts'

test('results of parents are handed over up to so many bytes, however small they are stored', async ({
  world: { app, sql },
}) => {
  const parents = await insertJobs(app, [{}, {}, {}, {}])
  const [child = ''] = await insertJobs(app, [{ hasParents: true }])
  await dependencies.insert(
    sql,
    parents.map((parentId) => ({ childId: child, parentId })),
  )
  await sql`UPDATE jobs SET state = 'succeeded', result = to_jsonb(repeat('x', 100000)) WHERE id <> ${parents[1] ?? ''}`
  const handed = async (maxBytes: number) =>
    (await dependencies.listResults(sql, child, maxBytes)).map(
      ({ result }) => (result as string | null)?.length ?? null,
    )
  expect(await handed(300_006)).toEqual([100_000, null, 100_000, 100_000])
  expect(await handed(300_005)).toEqual([100_000, null, 100_000, null])
  expect(await handed(100_002)).toEqual([100_000, null, null, null])
  expect(await handed(10)).toEqual([null, null, null, null])
})
