import { expect } from 'vitest'
import type { Pool } from '../../db/client.ts'
import { listEnded } from '../../db/queries/jobs.ts'
import { sentBy } from '../../tests/support/sent-statements.ts'
import { test, type World } from '../../tests/support/world.ts'
import { newId } from '../core/ids.ts'
import { awaitEnd, nudgeWaiters } from './await-end.ts'

const addJob = async ({ sql }: World, state = 'queued'): Promise<string> => {
  const id = newId()
  await sql`
    INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input)
    VALUES (${id}, ${newId()}, 60, 1, ${state}, 'debug.noop', 'default', '{}')`
  return id
}

const end = ({ sql }: World, ids: string[]) =>
  sql`UPDATE jobs SET state = 'succeeded', result = '"done"', finished_at = now() WHERE id = ANY (${ids}::uuid[])`

test('who waits gets the job when it has ended', async ({ world }) => {
  const id = await addJob(world)
  const waiting = awaitEnd(world.app, id, 20)
  await end(world, [id])
  expect(await waiting).toMatchObject({ id, state: 'succeeded', result: 'done' })
})

test('who waits for a job that has ended gets it at once, whatever its end was', async ({ world }) => {
  for (const state of ['succeeded', 'failed', 'cancelled']) {
    expect(await awaitEnd(world.app, await addJob(world, state), 20)).toMatchObject({ state })
  }
})

test('who waits for nothing, or for what takes too long, gets nothing', async ({ world }) => {
  expect(await awaitEnd(world.app, newId(), 0.05)).toBeNull()
  expect(await awaitEnd(world.app, await addJob(world), 0.05)).toBeNull()
})

test('many wait, for one job and for many, and one query looks for all of them', async ({ world }) => {
  const ids = await Promise.all(Array.from({ length: 50 }, () => addJob(world)))
  const sent = sentBy(world.sql)
  const waiting = [...ids, ...ids].map((id) => awaitEnd(world.app, id, 20))
  await end(world, ids)
  const jobs = await Promise.all(waiting)
  expect(jobs.map((job) => job?.id)).toEqual([...ids, ...ids])
  // One for each would be a hundred; the longer the end takes to be written, the more looks there are.
  expect(sent.length).toBeLessThan(50)
  const before = sent.length
  expect(await awaitEnd(world.app, ids[0] ?? '', 20)).not.toBeNull()
  expect(sent.length).toBe(before + 1)
})

test('many large jobs that end at once are read a part at a time, and all who wait get theirs', async ({ world }) => {
  const ids = await Promise.all(Array.from({ length: 6 }, () => addJob(world)))
  const waiting = ids.map((id) => awaitEnd(world.app, id, 20))
  await world.sql`
    UPDATE jobs SET state = 'succeeded', finished_at = now(), result = (
      SELECT to_jsonb(string_agg(md5(n::text), '')) FROM generate_series(1, 131072) AS n)`
  const MB = 1024 ** 2
  expect(await listEnded(world.sql, ids, 16 * MB)).toHaveLength(4)
  const told = await Promise.all(waiting)
  expect(told.map((job) => String(job?.result).length)).toEqual(Array(6).fill(4 * MB))
})

test('a process that is asked to stop lets nobody wait', async ({ world }) => {
  const stopping = new AbortController()
  const app = { ...world.app, stopping: stopping.signal }
  const waiting = awaitEnd(app, await addJob(world), 20)
  stopping.abort()
  expect(await waiting).toBeNull()
  expect(await awaitEnd(app, await addJob(world), 20)).toBeNull()
})

test('a look that fails is made again', async ({ world }) => {
  const id = await addJob(world)
  let fails = 2
  const sql = new Proxy(world.sql, {
    apply: (target, self, args) =>
      String(args[0]).includes('FROM jobs') && fails-- > 0
        ? Promise.reject(new Error('away'))
        : Reflect.apply(target, self, args),
  }) as Pool
  const waiting = awaitEnd({ ...world.app, sql }, id, 20)
  await end(world, [id])
  expect(await waiting).toMatchObject({ state: 'succeeded' })
  expect(world.logged.filter((line) => line.includes('cannot be looked at'))).toHaveLength(1)
})

test('a commit that the host tells of needs no waiter', ({ world }) => {
  expect(() => nudgeWaiters(world.app)).not.toThrow()
})
