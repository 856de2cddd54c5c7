import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { insertLimited, limitedKind } from '../../tests/support/limited-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { claim } from './claim.ts'
import type { Limits } from './define.ts'
import { explainWaiting } from './waiting.ts'

/** One job of each host, the first `running` of which are claimed. @returns why each of the others waits */
const explain = async ({ app, sql }: World, limits: Limits<{ host: string }>, hosts: string[]) => {
  const kind = limitedKind(limits)
  const ids = await insertLimited(app, hosts)
  await claim(app, { queue: 'default', limit: 100, free: [{ kind, slots: 100 }], suspects: 'never' })
  const rows = await Promise.all(ids.map((id) => jobs.find(sql, id)))
  const reasons = rows.map(async (row) => row && explainWaiting(app, [kind], row))
  return (await Promise.all(reasons)).filter((reason) => reason !== null)
}

test('a job that waits for its kind’s limit, or its key’s, says which', async ({ world }) => {
  expect(await explain(world, { running: 1 }, ['a', 'b'])).toEqual([
    { reason: 'limit', limit: 1, of: 'kind', expectedStartAt: null },
  ])
  await world.sql`DELETE FROM jobs`
  expect(await explain(world, { runningPerKey: 1 }, ['a', 'a', 'b'])).toEqual([
    { reason: 'limit', limit: 1, of: 'key', key: 'a', expectedStartAt: null },
  ])
})

test('jobs that wait for their kind’s rate are expected to start one after the other', async ({ world }) => {
  const hosts = ['a', 'b', 'c', 'd']
  const reasons = await explain(world, { rate: { starts: 2, perSeconds: 600 } }, hosts)
  expect(reasons).toMatchObject([
    { reason: 'limit', limit: 2, of: 'rate' },
    { reason: 'limit', limit: 2, of: 'rate' },
  ])
  const [row] = await world.sql<[{ now: Date }]>`SELECT now()`
  const minutes = reasons.map((it) => ((it?.expectedStartAt?.getTime() ?? 0) - row.now.getTime()) / 60_000)
  // One start in five minutes; whoever asks a little later has a little less to wait.
  expect(minutes.map((it) => Math.ceil(it / 5) * 5)).toEqual([5, 10])
})

test('a limited job for which there is room is behind those of its kind that were there before', async ({ world }) => {
  const kind = limitedKind({ running: 100 })
  const ids = await insertJobs(
    world.app,
    ['a', 'b', 'c'].map((host) => ({ kind: kind.kind, input: '{}', concurrencyKey: host })),
  )
  const last = await jobs.find(world.sql, ids[2] ?? '')
  expect(last && (await explainWaiting(world.app, [kind], last))).toMatchObject({ reason: 'behind', jobs: 2 })
})

test('a job whose kind was removed while it waited says so, instead of being the next', async ({ world }) => {
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.removed', input: '{}' }])
  const job = await jobs.find(world.sql, id)
  expect(job && (await explainWaiting(world.app, [limitedKind({})], job))).toEqual({
    reason: 'unknown-kind',
    kind: 'test.removed',
    expectedStartAt: null,
  })
})
