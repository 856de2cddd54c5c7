import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import * as dependencies from './dependencies.ts'

const CHILDREN = 500

test.for([
  ['succeeded', 'queued'],
  ['failed', 'failed'],
] as const)(
  'a parent that %s settles its children by reading each a few times, though the planner expects none that wait',
  async ([ended, becomes], { world }) => {
    await addEnded(world.sql, newId(), 5_000)
    await world.sql`ANALYZE jobs`
    const { accessToken: token } = await world.register()
    const job = { kind: 'debug.noop', input: {} }
    const children = Array.from({ length: CHILDREN }, () => ({ ...job, after: ['$parent'] }))
    const body = { jobs: [{ ...job, name: 'parent' }, ...children] }
    const { ids } = (await world.http('POST', '/jobs/batch', { token, body })).body

    const { result: settled, rows: read } = await world.sql.begin(async (tx) => {
      await tx`UPDATE jobs SET state = ${ended}, finished_at = now() WHERE id = ${ids[0]}`
      return rowsRead(tx, () => dependencies.settle(tx, [ids[0]]))
    })
    expect(settled.map(({ state }) => state)).toEqual(Array(CHILDREN).fill(becomes))
    expect(read).toBeLessThan(10 * CHILDREN)
  },
)

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
