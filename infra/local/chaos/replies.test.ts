import { expect } from 'vitest'
import { isUnreachable, transaction } from '../../../db/client.ts'
import * as jobs from '../../../db/queries/jobs.ts'
import { insertJobs } from '../../../tests/support/engine.ts'
import { test } from '../../../tests/support/world.ts'
import { loseReplies } from './replies.ts'

/** Draws these numbers, and then only ones that harm nothing. */
const drawing = (...numbers: number[]) => {
  return () => numbers.shift() ?? 0.99
}

const broken = expect.objectContaining({ code: 'CONNECTION_CLOSED' })

test('a lost reply looks like a broken connection, and what was committed stands', async ({ world: { app } }) => {
  const lossy = { ...app, sql: loseReplies(app.sql, drawing(0)) }
  const inserting = insertJobs(lossy, [{ name: 'kept' }])
  await expect(inserting).rejects.toEqual(broken)
  await inserting.catch((error) => expect(isUnreachable(error)).toBe(true))
  expect(await app.sql`SELECT name, state FROM jobs`).toMatchObject([{ name: 'kept', state: 'queued' }])
})

test('whoever catches, or waits with finally, is told of the loss as well', async ({ world: { sql } }) => {
  const lossy = loseReplies(sql, () => 0)
  const statement = () => lossy`UPDATE jobs SET priority = 0`
  expect(await statement().catch((error) => error)).toEqual(broken)
  await expect(statement().finally(() => {})).rejects.toEqual(broken)
})

test('a transaction breaks before its commit, and is rolled back, or after it, and stands', async ({ world }) => {
  const { app } = world
  const [first = '', second = ''] = await insertJobs(app, [{}, {}])
  const cancel = (id: string, random: () => number) =>
    transaction(loseReplies(app.sql, random), (tx) => jobs.cancel(tx, [id]))
  await expect(cancel(first, drawing(0))).rejects.toEqual(broken)
  await expect(cancel(second, drawing(0.99, 0))).rejects.toEqual(broken)
  expect((await jobs.find(app.sql, first))?.state).toBe('queued')
  expect((await jobs.find(app.sql, second))?.state).toBe('cancelled')
})

test('what writes no jobs is always answered', async ({ world: { app } }) => {
  const lossy = loseReplies(app.sql, () => 0)
  expect(await lossy`SELECT 1 AS one`).toEqual([{ one: 1 }])
  expect(await lossy`SELECT ${lossy(['name'])} FROM queues WHERE name = 'bulk'`).toEqual([{ name: 'bulk' }])
  expect(await transaction(lossy, (tx) => tx`SELECT 2 AS two`)).toEqual([{ two: 2 }])
})

test('most statements are answered', async ({ world: { app } }) => {
  const lossy = { ...app, sql: loseReplies(app.sql, () => 0.02) }
  const ids = await insertJobs(lossy, [{}, {}])
  expect(await transaction(lossy.sql, (tx) => jobs.cancel(tx, ids.slice(0, 1)))).toMatchObject([{ state: 'cancelled' }])
})
