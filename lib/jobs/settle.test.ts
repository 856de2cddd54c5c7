import { describe, expect } from 'vitest'
import * as dependencies from '../../db/queries/dependencies.ts'
import type { NewJob } from '../../db/queries/jobs.ts'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { cancelJob } from './cancel.ts'
import { redriveJobs, retryJob } from './retry-jobs.ts'
import { countEnds, MAX_EDGES } from './settle.ts'

const LONG = { timeout: 240_000 }

/** More than one transaction settles. */
const MANY = MAX_EDGES + 1_000

/** Adds jobs that each run after all of `parents`. */
const addChildren = async ({ app, sql }: World, parents: string[], count: number, over: Partial<NewJob> = {}) => {
  const row = { waitsFor: parents.length, hasParents: true, ...over }
  const children = await insertJobs(
    app,
    Array.from({ length: count }, () => row),
  )
  await dependencies.insert(
    sql,
    children.flatMap((childId) => parents.map((parentId) => ({ childId, parentId }))),
  )
  return children
}

const addParent = async ({ app }: World, over: Partial<NewJob> = {}): Promise<string> => {
  const [id = ''] = await insertJobs(app, [{ hasChildren: true, ...over }])
  return id
}

/** How many of the jobs are in each state. */
const statesOf = async ({ sql }: World, ids: string[]) => {
  const rows = await sql<{ state: string; n: number }[]>`
    SELECT state, count(*)::integer AS n FROM jobs WHERE id = ANY (${ids}::uuid[]) GROUP BY state`
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

/** What is left to count: noted parents, and open edges to jobs that have ended. */
const uncounted = async ({ sql }: World) => {
  const [row] = await sql<[{ noted: number; open: number }]>`
    SELECT (SELECT count(*)::integer FROM uncounted_parents) AS noted,
           (SELECT count(*)::integer FROM job_dependencies JOIN jobs ON jobs.id = parent_id
             WHERE settled_at IS NULL AND jobs.state IN ('succeeded', 'failed', 'cancelled')) AS open`
  return row
}
const NOTHING = { noted: 0, open: 0 }

/** As the sweep does it, to the end. */
const countAll = async ({ app }: World): Promise<void> => {
  while ((await countEnds(app)).more);
}

/** Each job was told its end, or that it is free, once. */
const expectToldOnce = async ({ sql }: World, ids: string[]) => {
  const [row] = await sql`
    SELECT count(*)::integer AS events, count(DISTINCT job_id)::integer AS jobs FROM events
    WHERE job_id = ANY (${ids}::uuid[]) AND seq > 1`
  expect(row).toEqual({ events: ids.length, jobs: ids.length })
}

describe('a job with more children than one transaction settles', LONG, () => {
  test('is cancelled at once, with a part of them; the sweep ends the rest', async ({ world }) => {
    const parent = await addParent(world)
    const children = await addChildren(world, [parent], MANY)
    expect(await cancelJob(world.app, parent)).toBe('cancelled')
    expect(await statesOf(world, children)).toEqual({ failed: MAX_EDGES, blocked: MANY - MAX_EDGES })
    await world.sweep()
    expect(await statesOf(world, children)).toEqual({ failed: MANY })
    expect(await uncounted(world)).toEqual(NOTHING)
    await expectToldOnce(world, children)
  })

  test('that returns frees a part of them; the sweep frees the rest, and rings for them', async ({ world }) => {
    const parent = await addParent(world)
    const children = await addChildren(world, [parent], MANY)
    await invoke(createEngine(world.app), { budget: 1 })
    expect(await statesOf(world, [parent])).toEqual({ succeeded: 1 })
    expect(await statesOf(world, children)).toEqual({ queued: MAX_EDGES, blocked: MANY - MAX_EDGES })
    const rung = await world.app.queue.visible('default')
    await world.sweep()
    expect(await statesOf(world, children)).toEqual({ queued: MANY })
    expect(await uncounted(world)).toEqual(NOTHING)
    expect(await world.app.queue.visible('default')).toBeGreaterThan(rung)
  })

  test('frees none before its end is counted there, and none whose other parent lives', async ({ world }) => {
    const parent = await addParent(world)
    const other = await addParent(world, { delaySeconds: 1_000 })
    const children = await addChildren(world, [parent, other], MANY)
    await invoke(createEngine(world.app), { budget: 1 })
    await countAll(world)
    expect(await statesOf(world, children)).toEqual({ blocked: MANY })
    await cancelJob(world.app, other)
    await countAll(world)
    expect(await statesOf(world, children)).toEqual({ failed: MANY })
    await expectToldOnce(world, children)
  })

  test('has its end counted once, by however many at once', async ({ world }) => {
    const parent = await addParent(world)
    const children = await addChildren(world, [parent], MANY, { onParentFailure: 'run' })
    await cancelJob(world.app, parent)
    await Promise.all(Array.from({ length: 4 }, () => countAll(world)))
    await countAll(world)
    expect(await statesOf(world, children)).toEqual({ queued: MANY })
    await expectToldOnce(world, children)
    expect(await uncounted(world)).toEqual(NOTHING)
  })

  test('and another one with the same are cancelled at once', async ({ world }) => {
    const parents = [await addParent(world), await addParent(world)]
    const children = await addChildren(world, parents, MANY)
    const cancelled = parents.map((id) => cancelJob(world.app, id))
    await Promise.all([...cancelled, countAll(world)])
    await countAll(world)
    expect(await statesOf(world, [...parents, ...children])).toEqual({ cancelled: 2, failed: MANY })
    expect(await uncounted(world)).toEqual(NOTHING)
    await expectToldOnce(world, children)
  })

  test('is cancelled while more are submitted, and none of those is forgotten', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const parent = await addParent(world, { projectId, delaySeconds: 1_000 })
    const children = await addChildren(world, [parent], MANY, { projectId })
    const submit = async () => {
      const body = { kind: 'debug.noop', input: {}, after: [parent] }
      return (await world.http('POST', '/jobs', { token, body })).body.job.id as string
    }
    const before = await submit()
    const [cancelled, ...during] = await Promise.all([
      cancelJob(world.app, parent),
      ...Array.from({ length: 8 }, submit),
    ])
    const after = await submit()
    expect(cancelled).toBe('cancelled')
    await countAll(world)
    expect(await statesOf(world, [before, ...during, after])).toEqual({ failed: 10 })
    expect(await statesOf(world, children)).toEqual({ failed: MANY })
    expect(await uncounted(world)).toEqual(NOTHING)
  })

  test('that begins anew meanwhile is waited for again by those that still wait', async ({ world }) => {
    const parent = await addParent(world)
    const children = await addChildren(world, [parent], MANY)
    await cancelJob(world.app, parent)
    await retryJob(world.app, parent, { fromStart: false })
    await countAll(world)
    const left = { failed: MAX_EDGES, blocked: MANY - MAX_EDGES }
    expect(await statesOf(world, children)).toEqual(left)
    expect(await uncounted(world)).toEqual(NOTHING)
    await invoke(createEngine(world.app), { budget: 1 })
    await countAll(world)
    expect(await statesOf(world, children)).toEqual({ failed: MAX_EDGES, queued: MANY - MAX_EDGES })
  })

  test('begins anew while its end is counted, and all that still wait, wait for it', async ({ world }) => {
    const parent = await addParent(world, { delaySeconds: 1_000 })
    const children = await addChildren(world, [parent], 2 * MAX_EDGES + 1_000)
    await cancelJob(world.app, parent)
    await Promise.all([countAll(world), retryJob(world.app, parent, { fromStart: false })])
    await countAll(world)
    const [row] = await world.sql`
      SELECT count(*) FILTER (WHERE settled_at IS NULL) - count(*) FILTER (WHERE state = 'blocked') AS wrong
      FROM job_dependencies JOIN jobs ON jobs.id = child_id`
    expect(row).toEqual({ wrong: 0 })
    await cancelJob(world.app, parent)
    await countAll(world)
    expect(await statesOf(world, children)).toEqual({ failed: children.length })
    await expectToldOnce(world, children)
  })

  test('does not free a child that another parent failed, and that begins anew before it is counted there', async ({
    world,
  }) => {
    const [returns, fails] = [await addParent(world), await addParent(world, { delaySeconds: 1_000 })]
    const lives = await addParent(world, { delaySeconds: 1_000 })
    await addChildren(world, [returns], MAX_EDGES)
    const [child = ''] = await addChildren(world, [returns, fails, lives], 1)
    await invoke(createEngine(world.app), { budget: 1 })
    expect(await statesOf(world, [returns, child])).toEqual({ succeeded: 1, blocked: 1 })
    await cancelJob(world.app, fails)
    expect(await statesOf(world, [child])).toEqual({ failed: 1 })
    await retryJob(world.app, child, { fromStart: false })
    await countAll(world)
    expect(await jobs.find(world.sql, child)).toMatchObject({ state: 'blocked', waitsFor: 1 })
    expect(await uncounted(world)).toEqual(NOTHING)
  })
})

test('all that falls with a job falls, however deep and wide it is', LONG, async ({ world }) => {
  const root = await addParent(world)
  const chain = Array.from({ length: MANY }, (_, nth) => ({
    hasParents: true,
    hasChildren: nth + 1 < MANY,
    waitsFor: 1,
  }))
  const links = await insertJobs(world.app, chain)
  await dependencies.insert(
    world.sql,
    links.map((childId, nth) => ({ childId, parentId: links[nth - 1] ?? root })),
  )
  const middle = await addChildren(world, [root], 75, { hasChildren: true })
  const below = await addChildren(world, middle, 75)
  // Each after each of those before.
  const first = await addChildren(world, [root], 60, { hasChildren: true })
  const second = await addChildren(world, first, 60, { hasChildren: true })
  const third = await addChildren(world, second, 60)
  const all = [...links, ...middle, ...below, ...first, ...second, ...third]
  await cancelJob(world.app, root)
  expect((await statesOf(world, all))['blocked']).toBeGreaterThan(0)
  await countAll(world)
  expect(await statesOf(world, all)).toEqual({ failed: all.length })
  expect(await uncounted(world)).toEqual(NOTHING)
  await expectToldOnce(world, all)
})

describe('a retry of a job with more waiting children than one transaction opens the edges to', () => {
  const AT_ONCE = 3
  const COUNT = 10

  /** A job that was cancelled, and children that run all the same, but wait for another. */
  const prepare = async (world: World) => {
    const app = { ...world.app, edgesAtOnce: AT_ONCE }
    const parent = await addParent(world)
    const other = await addParent(world, { delaySeconds: 1_000 })
    const children = await addChildren(world, [parent, other], COUNT, { onParentFailure: 'run' })
    await cancelJob(world.app, parent)
    return { app, parent, other, children }
  }

  /** How many of the children wait for how many parents. */
  const waits = async ({ sql }: World, ids: string[]) => {
    const rows = await sql<{ waitsFor: number; n: number }[]>`
      SELECT waits_for, count(*)::integer AS n FROM jobs WHERE id = ANY (${ids}::uuid[]) AND state = 'blocked'
      GROUP BY waits_for`
    return Object.fromEntries(rows.map(({ waitsFor, n }) => [waitsFor, n]))
  }

  /** How many of the jobs one transaction has written, at most. */
  const mostAtOnce = async ({ sql }: World, ids: string[]) => {
    const parts = await sql`
      SELECT count(*)::integer AS n FROM jobs WHERE id = ANY (${ids}::uuid[]) GROUP BY xmin ORDER BY n DESC`
    return parts[0]?.['n']
  }

  test('is made part by part', async ({ world }) => {
    const { app, parent, children } = await prepare(world)
    expect(await waits(world, children)).toEqual({ 1: COUNT })
    await retryJob(app, parent, { fromStart: false })
    expect([await statesOf(world, [parent]), await waits(world, children)]).toEqual([{ queued: 1 }, { 2: COUNT }])
    expect(await uncounted(world)).toEqual(NOTHING)
    expect(await mostAtOnce(world, children)).toBe(AT_ONCE)
  })

  test('is made part by part by a redrive too', async ({ world }) => {
    const { app, parent, children } = await prepare(world)
    await world.sql`UPDATE jobs SET state = 'failed' WHERE id = ${parent}`
    const redriven = await redriveJobs(app, { queue: 'default' }, { askedBy: 'ada', limit: 10, perSecond: undefined })
    expect(redriven).toEqual({ redriven: 1, skipped: 0 })
    expect([await statesOf(world, [parent]), await waits(world, children)]).toEqual([{ queued: 1 }, { 2: COUNT }])
    expect(await uncounted(world)).toEqual(NOTHING)
    expect(await mostAtOnce(world, children)).toBe(AT_ONCE)
  })

  test('that does not come to its end is undone after a minute, and by nobody before', async ({ world }) => {
    const { parent, other, children } = await prepare(world)
    await dependencies.reopenPart(world.sql, [parent], children.slice(0, AT_ONCE), 60)
    await world.sweep()
    expect(await waits(world, children)).toEqual({ 1: COUNT - AT_ONCE, 2: AT_ONCE })
    await cancelJob(world.app, other)
    expect(await statesOf(world, children)).toEqual({ queued: COUNT - AT_ONCE, blocked: AT_ONCE })
    await world.sql`UPDATE uncounted_parents SET not_before = now()`
    await world.sweep()
    expect(await statesOf(world, children)).toEqual({ queued: COUNT })
    expect(await uncounted(world)).toEqual(NOTHING)
  })

  test('that does not come to its end is gone on with by the next', async ({ world }) => {
    const { app, parent, children } = await prepare(world)
    await dependencies.reopenPart(world.sql, [parent], children.slice(0, AT_ONCE), 60)
    await retryJob(app, parent, { fromStart: false })
    expect(await waits(world, children)).toEqual({ 2: COUNT })
    expect(await uncounted(world)).toEqual(NOTHING)
    await invoke(createEngine(world.app), { budget: 1 })
    expect(await waits(world, children)).toEqual({ 1: COUNT })
  })
})
