import { expect } from 'vitest'
import { test } from '../tests/support/world.ts'
import { createPool } from './client.ts'

const TEXTS = ['', 'a', 'NULL', null, '{a,b}', ',', '"', '\\', '\\"', 'ä\n', ' ', "'", '\\\\n']

test('arrays come back as they were given', async ({ world: { sql } }) => {
  const id = '01a20610-c462-7693-9270-2c83469d56d3'
  const [row] = await sql`
    SELECT ${TEXTS}::text[] AS texts, ${[]}::text[] AS none, ${[id, null]}::uuid[] AS uuids,
           ${[-1, null]}::smallint[] AS smallints, ${[2 ** 31 - 1]}::integer[] AS integers,
           ${[2 ** 53 - 1, -1]}::bigint[] AS bigints, ${[0.5]}::real[] AS reals,
           ${[0.1, 1e300, null]}::double precision[] AS doubles, ${null}::text[] AS nothing`
  expect(row).toEqual({
    texts: TEXTS,
    none: [],
    uuids: [id, null],
    smallints: [-1, null],
    integers: [2 ** 31 - 1],
    bigints: [2 ** 53 - 1, -1],
    reals: [0.5],
    doubles: [0.1, 1e300, null],
    nothing: null,
  })
  const [read] = await sql`SELECT cardinality(${TEXTS}::text[]) AS count, (${TEXTS}::text[])[5] AS braces`
  expect(read).toEqual({ count: TEXTS.length, braces: '{a,b}' })
})

test('a connection is asked for nothing before the statement that it is made for', async ({ world: { app } }) => {
  const pool = createPool({ ...app.config.database, prepare: true, maxConnections: 1, applicationName: 'new' })
  const prepared = await pool`SELECT statement FROM pg_prepared_statements`
  expect(prepared).toEqual([{ statement: 'SELECT statement FROM pg_prepared_statements' }])
  await pool.end()
})
