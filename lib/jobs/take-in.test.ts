import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { z } from 'zod'
import { createEngine, echo, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { defineJob } from './define.ts'

const LONG = { kind: 'test.long', input: '{}' }

/** An engine with a kind that runs until it is told to end. */
const withLong = ({ app }: World) => {
  const { promise, resolve: end } = Promise.withResolvers<void>()
  const long = defineJob({
    kind: LONG.kind,
    summary: 'Takes long',
    input: z.object({}),
    output: z.null(),
    async *run() {
      await promise
      return null
    },
  })
  return { engine: createEngine(app, [long, echo]), end }
}

const startedOf = async ({ sql }: World, id: string): Promise<Date | null> =>
  (await sql<{ startedAt: Date | null }[]>`SELECT started_at FROM jobs WHERE id = ${id}`)[0]?.startedAt ?? null
const stateOf = async ({ sql }: World, id: string): Promise<string> =>
  (await sql<{ state: string }[]>`SELECT state FROM jobs WHERE id = ${id}`)[0]?.state ?? ''

test('an invocation that waits for its jobs takes in what nobody came for meanwhile', async ({ world }) => {
  const { app } = world
  const { engine, end } = withLong(world)
  const [long = ''] = await insertJobs(app, [LONG])
  const invocation = invoke(engine, { budget: 1, functionMs: 600_000 })
  await expect.poll(() => startedOf(world, long)).not.toBeNull()
  const others = await insertJobs(app, [{}, {}, {}])
  for (const id of others) await expect.poll(() => stateOf(world, id)).toBe('succeeded')
  expect(await stateOf(world, long)).toBe('running')
  end()
  await invocation
  expect(await stateOf(world, long)).toBe('succeeded')
})

test('but one that runs a suspect stays alone with it', async ({ world }) => {
  const { app } = world
  const { engine, end } = withLong(world)
  const [suspect = ''] = await insertJobs(app, [LONG])
  await app.sql`UPDATE jobs SET crashes = 2`
  const invocation = invoke(engine, { budget: 1, functionMs: 600_000 })
  await expect.poll(() => startedOf(world, suspect)).not.toBeNull()
  const [other = ''] = await insertJobs(app, [{}])
  // Several times as long as between two looks for others.
  await sleep(1_000)
  end()
  await invocation
  expect(await stateOf(world, suspect)).toBe('succeeded')
  expect(await stateOf(world, other)).toBe('queued')
})

test('where jobs come late, each claim takes one more than its doorbells are worth: the doorbell of one may be lost', async ({
  world,
}) => {
  const { app } = world
  const statesAfter = async (invocations: number): Promise<string[]> => {
    const engine = createEngine({ ...app }, [echo])
    for (let n = 0; n < invocations; n++) await invoke(engine, { budget: 1 })
    const rows = await app.sql<{ state: string }[]>`SELECT state FROM jobs ORDER BY id`
    return rows.map(({ state }) => state)
  }
  await insertJobs(app, [{}, {}, {}, {}])
  await app.sql`UPDATE jobs SET start_at = now() - interval '1 second'`
  expect(await statesAfter(1)).toEqual(['succeeded', 'queued', 'queued', 'queued'])
  expect(await statesAfter(2)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
})
