import { expect } from 'vitest'
import { z } from 'zod'
import type { Pool } from '../../db/client.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { defineJob } from './define.ts'

/** Jobs that end when they are told to, or to stop. */
const createReader = () => {
  const begun: { parents: number[]; end: () => void }[] = []
  const kind = defineJob({
    kind: 'test.reader',
    summary: 'Reads its parents',
    input: z.object({}),
    output: z.null(),
    async *run({ parents, signal }) {
      const { promise, resolve } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => resolve())
      begun.push({ parents: parents.map(({ result }) => (result as string | null)?.length ?? 0), end: resolve })
      await promise
      yield {}
      return null
    },
  })
  return { begun, kind }
}

const MB = 1_000_000

/** Adds a job that runs after ended ones with results of such sizes. */
const addReader = async ({ app, sql }: World, sizes: number[]): Promise<string> => {
  const parents = await insertJobs(
    app,
    sizes.map(() => ({ hasChildren: true })),
  )
  for (const [index, id] of parents.entries()) {
    await sql`
      UPDATE jobs SET state = 'succeeded', finished_at = now(), result = to_jsonb(repeat('x', ${sizes[index] ?? 0}))
      WHERE id = ${id}`
  }
  const [child = ''] = await insertJobs(app, [{ kind: 'test.reader', input: '{}', hasParents: true }])
  const edges = parents.map((parentId) => ({ childId: child, parentId }))
  await dependencies.insert(sql, edges)
  await sql`UPDATE job_dependencies SET settled_at = now()`
  return child
}

/** A pool, and how often it was asked for the results of parents. */
const countReads = (pool: Pool, fails: (nth: number) => boolean = () => false) => {
  const counted = { reads: 0, sql: pool }
  counted.sql = new Proxy(pool, {
    apply: (target, self, args: Parameters<Pool>) => {
      const [text] = args
      if (!Array.isArray(text) || !text.join('?').includes('AS fits')) return Reflect.apply(target, self, args)
      if (!fails(++counted.reads)) return Reflect.apply(target, self, args)
      return Promise.reject(Object.assign(new Error('write CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' }))
    },
  })
  return counted
}

test('a job waits until others of its process have left room for its parents’ results', async ({ world }) => {
  for (let n = 0; n < 5; n++) await addReader(world, [15 * MB])
  const { begun, kind } = createReader()
  const counted = countReads(world.sql)
  const invoked = invoke(createEngine({ ...world.app, sql: counted.sql }, [kind]))
  await expect.poll(() => begun).toHaveLength(4)
  expect(counted.reads).toBe(4)
  for (const { end } of begun.slice(1, 3)) end()
  await expect.poll(() => begun).toHaveLength(5)
  for (const { end } of begun) end()
  await invoked
  expect(begun.map(({ parents }) => parents)).toEqual(Array(5).fill([15 * MB]))
  expect(await world.sql`SELECT DISTINCT state FROM jobs WHERE kind = 'test.reader'`).toEqual([{ state: 'succeeded' }])
})

test('a job that waits for room has not begun, and goes on elsewhere when its process stops', async ({ world }) => {
  for (let n = 0; n < 5; n++) await addReader(world, [15 * MB])
  const { begun, kind } = createReader()
  const stopping = new AbortController()
  const counted = countReads(world.sql)
  const invoked = invoke(createEngine({ ...world.app, sql: counted.sql, stopping: stopping.signal }, [kind]))
  await expect.poll(() => begun).toHaveLength(4)
  stopping.abort()
  await invoked
  const [last, ...others] = await world.sql`SELECT outcome, attempt, run_ms FROM stints ORDER BY run_ms`
  expect(last).toEqual({ outcome: 'continued', attempt: 1, runMs: 0 })
  expect(others).toHaveLength(4)
  expect(counted.reads).toBe(4)
  expect(world.exits).toEqual([])
})

test('a job is told in its log that results were too large together to be handed over', async ({ world }) => {
  const child = await addReader(world, [9 * MB, 9 * MB])
  const { begun, kind } = createReader()
  const invoked = invoke(createEngine(world.app, [kind]))
  await expect.poll(() => begun).toHaveLength(1)
  begun[0]?.end()
  await invoked
  expect(begun[0]?.parents).toEqual([9 * MB, 0])
  expect(await world.sql`SELECT level, message FROM job_logs WHERE job_id = ${child}`).toEqual([
    { level: 'warn', message: expect.stringContaining('the results of 1 of 2 parents are not handed over') },
  ])
})

test('a job whose parents cannot be read spends no attempt', async ({ world }) => {
  const child = await addReader(world, [1])
  const { begun, kind } = createReader()
  const { sql } = countReads(world.sql, (nth) => nth === 1)
  const engine = createEngine({ ...world.app, sql }, [kind])
  // The first may already find it again.
  const invoked = invoke(engine).then(() => invoke(engine))
  await expect.poll(() => begun).toHaveLength(1)
  begun[0]?.end()
  await invoked
  expect(await world.sql`SELECT state, attempt, stint FROM jobs WHERE id = ${child}`).toEqual([
    { state: 'succeeded', attempt: 1, stint: 2 },
  ])
})
