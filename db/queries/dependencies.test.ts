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

    const { result, rows: read } = await world.sql.begin(async (tx) => {
      await tx`UPDATE jobs SET state = ${ended}, finished_at = now() WHERE id = ${ids[0]}`
      return rowsRead(tx, () => dependencies.settle(tx, [ids[0]], [], CHILDREN))
    })
    expect(result.changed.map(({ state }) => state)).toEqual(Array(CHILDREN).fill(becomes))
    expect(read).toBeLessThan(10 * CHILDREN)
  },
)

// A plan for whatever ids are given, as one is made after some calls, and a plan for these.
test.for(['force_generic_plan', 'force_custom_plan'])(
  'a tree falls by reading each edge a few times, though the planner knows of two parents that have thousands each: %s',
  async (mode, { world: { app, sql } }) => {
    const add = async (parents: string[], each: number, hasChildren: boolean): Promise<string[]> => {
      const row = { hasParents: true, waitsFor: 1, hasChildren }
      const children = await insertJobs(app, Array(parents.length * each).fill(row))
      const edges = children.map((childId, nth) => ({ childId, parentId: parents[nth % parents.length] ?? '' }))
      await dependencies.insert(sql, edges)
      return children
    }
    await add(await insertJobs(app, [{ hasChildren: true }, { hasChildren: true }]), 4_000, false)
    await sql`ANALYZE jobs, job_dependencies`
    const [root = ''] = await insertJobs(app, [{ hasChildren: true }])
    await add(await add([root], 20, true), 80, false)

    const { result, rows: read } = await sql.begin(async (tx) => {
      await tx.unsafe(`SET LOCAL plan_cache_mode = ${mode}`)
      await tx`UPDATE jobs SET state = 'failed', finished_at = now() WHERE id = ${root}`
      const settle = async () =>
        dependencies.settle(tx, [root], await dependencies.lockFalling(tx, [root], 5_000), 5_000)
      return rowsRead(tx, settle, 'job_dependencies')
    })
    expect(result).toMatchObject({ edges: 1_620, changed: Array(1_620).fill({ state: 'failed' }) })
    expect(read).toBeLessThan(10 * 1_620)
  },
)

test('where each runs after each of those before, the way down is not gone along every edge', async ({
  world: { app, sql },
}) => {
  let layer = await insertJobs(app, [{ hasChildren: true }])
  const [root = ''] = layer
  for (let depth = 0; depth < 3; depth++) {
    const row = { hasParents: true, waitsFor: layer.length, hasChildren: true }
    const next = await insertJobs(app, Array(100).fill(row))
    await dependencies.insert(
      sql,
      next.flatMap((childId) => layer.map((parentId) => ({ childId, parentId }))),
    )
    layer = next
  }
  const { rows: read } = await sql.begin(async (tx) => {
    await tx`UPDATE jobs SET state = 'failed', finished_at = now() WHERE id = ${root}`
    return rowsRead(tx, () => dependencies.lockFalling(tx, [root], 5_000), 'job_dependencies')
  })
  expect(read).toBeLessThan(301 * 25)
})

test('a job begins anew by reading those that ran after it, and no others, however many they are', async ({
  world: { app, sql },
}) => {
  await addEnded(sql, newId(), 20_000)
  const [parent = ''] = await insertJobs(app, [{ hasChildren: true }])
  const children = await insertJobs(app, Array(3_000).fill({ hasParents: true, waitsFor: 1 }))
  const [waits = ''] = children
  await dependencies.insert(
    sql,
    children.map((childId) => ({ childId, parentId: parent })),
  )
  await sql`UPDATE job_dependencies SET settled_at = now()`
  await sql`UPDATE jobs SET state = 'failed', finished_at = now() WHERE id <> ${waits}`
  await sql`ANALYZE jobs, job_dependencies`
  const { rows: read } = await sql.begin((tx) => rowsRead(tx, () => dependencies.reopen(tx, [parent])))
  expect(read).toBeLessThan(2 * 3_000)
  const open =
    await sql`SELECT child_id, waits_for FROM job_dependencies JOIN jobs ON id = child_id WHERE settled_at IS NULL`
  expect([...open]).toEqual([{ childId: waits, waitsFor: 2 }])
})

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
