import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { App } from '../../lib/app.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import type { Sql } from '../client.ts'
import * as limits from './limits.ts'

const kind = 'test.limited'

const insert = (app: App, keys: string[], delaySeconds = 0) =>
  insertJobs(
    app,
    keys.map((concurrencyKey) => ({ kind, concurrencyKey, delaySeconds })),
  )

const claim = async (sql: Sql, limit: number, after = ''): Promise<string[]> => {
  const wish = { kind, worker: 'w', limit, bytes: 1_000_000, perKey: 1, after, leaseSeconds: 60, suspects: false }
  return (await limits.claim(sql, wish)).map((job) => job.concurrencyKey)
}

const names = (letter: string, count: number) => Array.from({ length: count }, (_, nth) => `${letter}${nth}`)

test('a claim reads no job of keys of which nothing is due, however many there are', async ({
  world: { app, sql },
}) => {
  await insert(app, names('d', 3_000), 600)
  expect(await limits.listDue(sql, [kind])).toEqual([])
  await insert(app, ['a', 'b', 'b'])
  await sql`ANALYZE jobs`
  expect(await limits.listDue(sql, [kind])).toEqual([kind])
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => claim(tx, 100)))
  expect(result).toEqual(['a', 'b'])
  expect(rows).toBeLessThan(200)
})

test('a claim reads of a key’s jobs those that it takes, however many wait, and none to know that it suspects none', async ({
  world: { app, sql },
}) => {
  // By their statistics the index of what is due seems the cheapest; and it says nothing of keys and priorities.
  const key = randomBytes(600).toString('base64')
  await insert(
    app,
    Array.from({ length: 5_000 }, () => key),
  )
  await sql`
    UPDATE jobs SET start_at = start_at - nth * interval '1 millisecond'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM jobs) AS numbered WHERE jobs.id = numbered.id`
  await sql`ANALYZE jobs`
  await limits.lock(sql, kind, null)
  const seen = await sql.begin((tx) => rowsRead(tx, () => limits.get(tx, kind)))
  expect(seen).toMatchObject({ result: { running: 0, suspected: false }, rows: 0 })
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => claim(tx, 100)))
  expect(result).toEqual([key])
  // A thousand are looked through for their keys.
  expect(rows).toBeLessThan(1_100)
  await sql`UPDATE jobs SET crashes = 2 WHERE id = (SELECT id FROM jobs WHERE state = 'queued' LIMIT 1)`
  expect(await limits.get(sql, kind)).toMatchObject({ running: 1, suspected: true })
})

test('keys take turns also where more jobs are due than are looked through', async ({ world: { app, sql } }) => {
  await insert(app, names('d', 100), 600)
  await insert(app, [...Array.from({ length: 1_200 }, () => 'f'), 'a', 'g', 'b'])
  expect(await claim(sql, 2, 'b')).toEqual(['f', 'g'])
  expect(await claim(sql, 1, 'g')).toEqual(['a'])
  expect(await claim(sql, 100, 'a')).toEqual(['b'])
  expect(await claim(sql, 100, 'b')).toEqual([])
})
