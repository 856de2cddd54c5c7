import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test, type World } from '../../tests/support/world.ts'
import { type JobFilter, list, listLive, listLiveIds } from './job-search.ts'

/** Every page of a list, each of as many jobs as it has, and where it looked to. */
const pagesOf = async ({ sql }: World, filter: JobFilter, limit: number) => {
  const pages: { ids: string[]; lookedTo: string | null }[] = []
  for (let before: string | undefined; ; ) {
    const { jobs, lookedTo } = await list(sql, { ...filter, before }, limit)
    const ids = jobs.map((job) => job.id)
    pages.push({ ids, lookedTo })
    before = ids.length === limit ? ids.at(-1) : (lookedTo ?? undefined)
    if (before === undefined) return pages
  }
}

test('the pages of several projects are in one order and without a gap, however far down each one looks', async ({
  world,
}) => {
  const { sql } = world
  const [large, small, empty] = [newId(), newId(), newId()]
  const rare: string[] = []
  const add = async (projectId: string, tag: string, count: number) => {
    const ids = await addEnded(sql, projectId, count, { tag })
    if (tag === 'rare') rare.unshift(...ids.toReversed())
  }
  for (let nth = 0; nth < 4; nth++) {
    await add(small, 'rare', 3)
    await add(large, 'rare', 2)
    await add(large, 'common', 7_000)
    await add(small, 'common', 1)
  }
  await add(large, 'rare', 1)
  const filter = { projectIds: [large, small, empty], tag: 'rare' }
  const pages = await pagesOf(world, filter, 2)
  expect(pages.flatMap((page) => page.ids)).toEqual(rare)
  // A third of 20 000 jobs of each project: not all that there are.
  expect(pages.filter((page) => page.lookedTo !== null).length).toBeGreaterThanOrEqual(3)
  expect((await pagesOf(world, { ...filter, projectIds: [small] }, 100)).map((page) => page.ids)).toEqual([
    rare.filter((_, nth) => nth !== 0 && (nth - 1) % 5 >= 2),
  ])
})

test('somebody who is in very many projects has no more jobs looked at than others', async ({ world: { sql } }) => {
  const projectIds = Array.from({ length: 100 }, () => newId())
  await sql`
    INSERT INTO jobs (id, project_id, kind, queue, state, max_attempts, timeout_seconds, input, started_at, finished_at)
    SELECT gen_random_uuid(), project_id, 'debug.noop', 'default', 'succeeded', 3, 60, '{"echo":"often"}', now(), now()
    FROM unnest(${projectIds}::uuid[]) AS project_id, generate_series(1, 150)`
  const { rows } = await sql.begin((tx) => rowsRead(tx, () => list(tx, { projectIds, text: 'rare' }, 10)))
  expect(rows).toBe(5_000)
  // A plain page is whole, whichever project its jobs are of.
  const plain = await list(sql, { projectIds: [...projectIds, ...Array.from({ length: 900 }, () => newId())] }, 101)
  expect(plain.jobs).toHaveLength(101)
})

test('a list looks no further than the span of ids that was asked for', async ({ world }) => {
  const projectId = newId()
  const ids = await addEnded(world.sql, projectId, 20_300)
  const filter = { projectIds: [projectId], tag: 'none' }
  expect((await list(world.sql, filter, 10)).lookedTo).toBe(ids[300])
  expect(await list(world.sql, { ...filter, idFrom: ids.at(-10) }, 10)).toEqual({ jobs: [], lookedTo: null })
  expect(await list(world.sql, { ...filter, idTo: ids[300] }, 10)).toEqual({ jobs: [], lookedTo: null })
  const span = { projectIds: [projectId], idFrom: ids[5_000], idTo: ids[5_003], before: ids.at(-1) }
  expect((await list(world.sql, span, 10)).jobs.map((job) => job.id)).toEqual([ids[5_002], ids[5_001], ids[5_000]])
})

test('a text is looked for in fewer jobs at a time where their inputs are large, and is found behind them', async ({
  world,
}) => {
  const { sql } = world
  const projectId = newId()
  const [wanted] = await addEnded(sql, projectId, 1)
  const large = await addEnded(sql, projectId, 450)
  await sql`ALTER TABLE jobs ALTER input SET STORAGE EXTERNAL`
  await sql`UPDATE jobs SET input = to_jsonb(repeat('x', 200000)) WHERE id = ANY (${large}::uuid[])`
  const pages = await pagesOf(world, { projectIds: [projectId], text: 'OFTEN' }, 1)
  expect(pages.flatMap((page) => page.ids)).toEqual([wanted])
  expect(pages[0]?.ids).toEqual([])
  expect(await list(sql, { projectIds: [projectId], tag: 'none' }, 1)).toEqual({ jobs: [], lookedTo: null })
})

test.for(['unknown', 'known'])(
  'what a job submitted is found by its index, and for a stranger not looked at, with its number %s to the planner',
  async (number, { world: { app, sql } }) => {
    const projectId = newId()
    const [parent = '', busy = ''] = [newId(), newId()]
    if (number === 'unknown') await sql`ANALYZE jobs`
    const own = await insertJobs(
      app,
      [1, 2, 3].map(() => ({ projectId, submittedBy: parent })),
    )
    const many = await addEnded(sql, projectId, 20_300)
    await sql`UPDATE jobs SET submitted_by = ${busy} WHERE id = ANY (${many.slice(0, 300)}::uuid[])`
    if (number === 'known') await sql`ANALYZE jobs`
    const look = (filter: Partial<JobFilter>) =>
      sql.begin((tx) => rowsRead(tx, () => list(tx, { projectIds: [projectId], ...filter }, 10)))
    for (const state of [undefined, 'queued'] as const) {
      const { rows, result } = await look({ submittedBy: parent, state })
      expect([result.jobs.map((job) => job.id), result.lookedTo]).toEqual([own.toReversed(), null])
      expect(rows).toBeLessThan(20)
    }
    const none = await look({ submittedBy: busy, tag: 'none' })
    expect(none.result).toEqual({ jobs: [], lookedTo: null })
    expect(none.rows).toBeLessThan(400)
    const stranger = await look({ submittedBy: busy, projectIds: [newId()] })
    expect(stranger.result).toEqual({ jobs: [], lookedTo: null })
    expect(stranger.rows).toBeLessThan(5)
  },
)

test('jobs that wait are all looked at until there are too many of them', async ({ world }) => {
  const projectId = newId()
  const queued = (over: object) => ({ projectId, ...over })
  const ids = await insertJobs(world.app, [
    queued({ queue: 'bulk', tags: ['a'] }),
    queued({ concurrencyKey: 'host', tags: ['a', 'b'] }),
    queued({ projectId: newId(), tags: ['a'] }),
    queued({ delaySeconds: 60, tags: ['a'] }),
  ])
  const filter = { projectIds: [projectId], state: 'queued' as const, tag: 'a' }
  const found = async (over: object = {}) =>
    (await listLive(world.sql, { ...filter, ...over }, 10))?.jobs.map((it) => it.id)
  expect(await found()).toEqual([ids[3], ids[1], ids[0]])
  expect(await found({ before: ids[3], idFrom: ids[1] })).toEqual([ids[1]])
  expect(await found({ idTo: ids[1] })).toEqual([ids[0]])
  expect(await found({ tag: 'none' })).toEqual([])
  await insertJobs(
    world.app,
    Array.from({ length: 5_000 }, () => queued({})),
  )
  expect(await found()).toBeUndefined()
})

test.for(['unknown', 'known'])(
  'the few that wait or run are found past many that ended, with their number %s to the planner',
  async (number, { world: { app, sql } }) => {
    const projectId = newId()
    if (number === 'unknown') await sql`ANALYZE jobs`
    await addEnded(sql, projectId, 20_000)
    const [queued, limited, blocked, running = '', told = ''] = await insertJobs(app, [
      { projectId, tags: ['common'] },
      { projectId, kind: 'test.limited', concurrencyKey: '' },
      { projectId, waitsFor: 1 },
      ...[{ projectId }, { projectId }],
      ...[{}, { waitsFor: 1 }, { concurrencyKey: '' }],
    ])
    await sql`UPDATE jobs SET state = 'running', lease_until = now() WHERE id = ANY (${[running, told]}::uuid[])`
    await sql`UPDATE jobs SET cancel_requested_at = now() WHERE id = ${told}`
    await addEnded(sql, projectId, 20_000)
    if (number === 'known') await sql`ANALYZE jobs`
    const look = async (filter: Omit<Parameters<typeof listLiveIds>[1], 'projectId'>, limit = 1_001) => {
      const found = await sql.begin((tx) => rowsRead(tx, () => listLiveIds(tx, { projectId, ...filter }, limit)))
      expect(found.rows).toBeLessThan(20)
      return found.result
    }
    expect(await look({ state: 'queued' })).toEqual([queued, limited])
    expect(await look({ state: 'queued' }, 1)).toHaveLength(1)
    expect(await look({ state: 'queued', tag: 'common' })).toEqual([queued])
    expect(await look({ state: 'queued', kind: 'test.limited', queue: 'default' })).toEqual([limited])
    expect(await look({ state: 'blocked' })).toEqual([blocked])
    expect(await look({ state: 'running' })).toEqual([running])
    expect(await look({ state: 'running', queue: 'bulk' })).toEqual([])
  },
)
