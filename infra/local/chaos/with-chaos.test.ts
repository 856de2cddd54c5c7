import { expect } from 'vitest'
import * as stints from '../../../db/queries/stints.ts'
import { debugNoop } from '../../../functions/jobs/debug-noop.ts'
import { createEngine, insertJobs, invoke } from '../../../tests/support/engine.ts'
import { test, type World } from '../../../tests/support/world.ts'
import { withChaos } from './with-chaos.ts'

const COUNT_TO_TEN = { kind: 'debug.noop', input: '{"steps":10}' }

const finish = async (world: World, app: World['app']): Promise<void> => {
  const left = async () => {
    await invoke(createEngine(app, [debugNoop])).catch(() => {})
    const [row] = await world.sql`SELECT count(*)::integer AS open FROM jobs WHERE finished_at IS NULL`
    return row?.['open']
  }
  await expect.poll(left).toBe(0)
}

test('a stint that is cut stops at its safe point, and the next one goes on from there with the same attempt', async ({
  world,
}) => {
  let points = 0
  const app = { ...world.app, cutStint: () => ++points % 4 === 0 }
  const [id = ''] = await insertJobs(app, [COUNT_TO_TEN])
  await finish(world, app)
  const ran = await stints.list(world.sql, id, 0, 10)
  expect(ran.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
    ['continued', 1],
    ['continued', 1],
    ['succeeded', 1],
  ])
})

test.override({ environment: { LEASE_SECONDS: '1', HEARTBEAT_SECONDS: '0.3' } })
test('jobs come to their ends all the same', async ({ world }) => {
  const app = withChaos(world.app, 42, 'a worker')
  await insertJobs(
    world.app,
    Array.from({ length: 200 }, () => COUNT_TO_TEN),
  )
  const sweeping = setInterval(() => void world.sweep().catch(() => {}), 200)
  await finish(world, app)
  clearInterval(sweeping)
  expect(await world.sql`SELECT state, count(*)::integer FROM jobs GROUP BY state`).toEqual([
    { state: 'succeeded', count: 200 },
  ])
})
