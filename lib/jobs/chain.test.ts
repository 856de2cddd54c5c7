import { expect } from 'vitest'
import { test, type World } from '../../tests/support/world.ts'

const LONG = { timeout: 240_000 }

const submit = async (world: World, jobs: object[]) => {
  const { accessToken: token } = await world.register()
  const items = jobs.map((job) => ({ kind: 'debug.noop', input: {}, ...job }))
  const { body } = await world.http('POST', '/jobs/batch', { token, body: { jobs: items } })
  return { ids: body.ids as string[], cancel: (id = '') => world.http('POST', `/jobs/${id}/cancel`, { token }) }
}

const states = async ({ sql }: World) => {
  const rows = await sql`SELECT state, count(*)::integer AS n FROM jobs GROUP BY state ORDER BY state`
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
}

test('a chain of thousands ends with its first job, in one request', LONG, async ({ world }) => {
  const after = (nth: number) => (nth === 0 ? {} : { after: [`$job-${nth - 1}`] })
  const chain = Array.from({ length: 5_000 }, (_, nth) => ({ name: `job-${nth}`, ...after(nth) }))
  const { ids, cancel } = await submit(world, [...chain, { after: ['$job-4999'], onParentFailure: 'run' }])
  expect((await cancel(ids[0])).status).toBe(200)
  expect(await states(world)).toEqual({ cancelled: 1, failed: 4_999, queued: 1 })
  const [told] = await world.sql`
    SELECT count(*) AS events, count(DISTINCT job_id) AS jobs FROM events WHERE type = 'job.failed'`
  expect(told).toEqual({ events: 4_999, jobs: 4_999 })
  const [open] = await world.sql`SELECT count(*) AS edges FROM job_dependencies WHERE settled_at IS NULL`
  expect(open).toEqual({ edges: 0 })
})

test('who falls takes with it those that shall fall with it, and frees those that run all the same', async ({
  world,
}) => {
  const { ids, cancel } = await submit(world, [
    { name: 'root' },
    { name: 'other' },
    { name: 'fails', after: ['$root'] },
    { name: 'skips', after: ['$fails'], onParentFailure: 'skip' },
    { name: 'runs', after: ['$skips', '$root'], onParentFailure: 'run' },
    { name: 'waits', after: ['$skips', '$other'], onParentFailure: 'run' },
    { name: 'after', after: ['$runs'] },
    { name: 'twice', after: ['$fails', '$skips', '$root'] },
  ])
  await cancel(ids[0])
  const rows = await world.sql`SELECT name, state, waits_for FROM jobs ORDER BY id`
  expect(rows.map((row) => [row['name'], row['state'], row['waitsFor']])).toEqual([
    ['root', 'cancelled', 0],
    ['other', 'queued', 0],
    ['fails', 'failed', 0],
    ['skips', 'cancelled', 0],
    ['runs', 'queued', 0],
    ['waits', 'blocked', 1],
    ['after', 'blocked', 1],
    ['twice', 'failed', 0],
  ])
  const freed = await world.sql`SELECT id FROM events WHERE type = 'job.queued' AND seq > 1`
  const ended = await world.sql`SELECT max(id) AS id FROM events WHERE type IN ('job.failed', 'job.cancelled')`
  expect(freed).toHaveLength(1)
  expect(freed[0]?.['id']).toBeGreaterThan(ended[0]?.['id'])
})
