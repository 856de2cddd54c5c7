import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test, type World } from '../../tests/support/world.ts'
import { lockDue } from './schedules.ts'

const FIRST = '00000000-0000-0000-0000-000000000000'

/** Adds schedules that are due now, or at another time. @returns their ids, in order */
const add = async ({ sql }: World, count: number, nextAt = 'now()'): Promise<string[]> => {
  const ids = Array.from({ length: count }, () => newId())
  await sql`
    WITH project AS (INSERT INTO projects (id, name) VALUES (${newId()}, 'Scheduled') RETURNING id)
    INSERT INTO schedules (id, project_id, name, cron, time_zone, kind, input, next_at)
    SELECT given.id, project.id, 'tick', '* * * * *', 'UTC', 'test.echo', '{}', ${sql.unsafe(nextAt)}
    FROM project, unnest(${ids}::uuid[]) AS given (id)`
  return ids
}

test('a look for due schedules reads none of the others, also where all were due when statistics were taken', async ({
  world,
}) => {
  const { sql } = world
  await add(world, 3_000)
  await sql`ANALYZE schedules`
  await sql`UPDATE schedules SET next_at = now() + interval '1 hour'`
  const due = await add(world, 3)
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => lockDue(tx, FIRST, 20), 'schedules'))
  expect(result.map((it) => it.id)).toEqual(due)
  expect(rows).toBeLessThan(20)
})

test('where many are due a batch reads some of them, and all batches together go through all in the order of their ids', async ({
  world,
}) => {
  const { sql } = world
  const due = await add(world, 3_000, `now() + interval '1 hour'`)
  await sql`ANALYZE schedules`
  await sql`UPDATE schedules SET next_at = now()`
  const found: string[] = []
  const read: number[] = []
  for (let after = FIRST; found.length < due.length; after = found.at(-1) ?? FIRST) {
    const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => lockDue(tx, after, 100), 'schedules'))
    expect(result).toHaveLength(100)
    found.push(...result.map((it) => it.id))
    read.push(rows)
  }
  expect(found).toEqual(due)
  expect(Math.max(...read)).toBeLessThan(1_000)
})
