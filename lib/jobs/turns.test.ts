import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { echo, insertJobs } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { claim } from './claim.ts'

const claimEcho = (app: App, limit: number) =>
  claim(app, { queue: 'default', limit, free: [{ kind: echo, slots: 500 }], suspects: 'either' })

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

test('projects take turns when their jobs are claimed one by one', async ({ world: { app } }) => {
  const [busy, other] = [newId(), newId()]
  await insertJobs(app, [...many(20, () => ({ projectId: busy })), ...many(3, () => ({ projectId: other }))])
  const order: string[] = []
  for (let n = 0; n < 8; n++) order.push(...(await claimEcho(app, 1)).map((job) => job.projectId))
  expect(order.filter((it) => it === other)).toHaveLength(3)
  expect(order.slice(0, 2).toSorted()).toEqual([busy, other].toSorted())
})

test('projects of which nothing is due take no turn', async ({ world: { app } }) => {
  const late = many(100, newId)
  const startable = newId()
  await insertJobs(app, [
    ...late.map((projectId) => ({ projectId, delaySeconds: 600 })),
    // Neither of these could start before the others either.
    ...late.map((projectId) => ({ projectId, delaySeconds: 600, priority: 5 })),
    ...many(600, () => ({ projectId: startable })),
  ])
  for (let n = 0; n < 20; n++) expect(await claimEcho(app, 1)).toHaveLength(1)
  expect(await claimEcho(app, 500)).toHaveLength(500)
})

test('what is due is found behind thousands of projects of which nothing is, by one claim', async ({
  world: { app },
}) => {
  const late = many(4_100, newId)
  await insertJobs(app, [...late.map((projectId) => ({ projectId, delaySeconds: 600 })), { projectId: newId() }])
  expect(await claimEcho(app, 1)).toHaveLength(1)
  await insertJobs(app, [{ projectId: late[0] ?? '' }])
  expect(await claimEcho(app, 1)).toHaveLength(1)
  expect(await claimEcho(app, 1)).toEqual([])
})

test('what is due in a project is found behind what isn’t, or may not run here', async ({ world: { app } }) => {
  const [one, another] = [newId(), newId()]
  await insertJobs(app, [
    { projectId: one, delaySeconds: 600, priority: -3 },
    { projectId: one, priority: 2, input: '{"value":"one"}' },
    { projectId: another, kind: 'test.elsewhere', priority: -3 },
    { projectId: another, priority: 2, input: '{"value":"another"}' },
  ])
  const claimed = [...(await claimEcho(app, 1)), ...(await claimEcho(app, 1)), ...(await claimEcho(app, 1))]
  expect(claimed.map((job) => (job.input as { value: string }).value).toSorted()).toEqual(['another', 'one'])
})

test('a delayed job of an older project keeps nobody else waiting', async ({ world }) => {
  const older = await world.register('Older')
  const younger = await world.register('Younger')
  const pi = { kind: 'math.pi', input: { digits: 10 } }
  await world.http('POST', '/jobs', { token: older.accessToken, body: { ...pi, delaySeconds: 86_400 } })
  const { body } = await world.http('POST', '/jobs', { token: younger.accessToken, body: pi })
  await world.work('compute')
  expect((await jobs.find(world.sql, body.job.id))?.state).toBe('succeeded')
})
