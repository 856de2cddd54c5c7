import { randomUUID } from 'node:crypto'
import { createPool, type Pool } from '../../db/client.ts'

export interface Limit {
  what: string
  perSecond: number
}

const CLIENTS = 32
const CONNECTIONS = 4
const BATCH = 1_000
const TEXT = 'order 0193f2a0-7c1e-7b7a-9d64-6c2f1b1e8a55 of ACME Ltd, 12 lines, 1234.56 EUR'

/** Rows per second of the simplest queue in Postgres: a table of four columns, with one index beside its key. */
export const measureRows = async (url: string, seconds: number): Promise<Limit[]> => {
  const sql = createPool({ url, maxConnections: CLIENTS, prepare: true, applicationName: 'limits' })
  await sql`CREATE TABLE bare (id uuid PRIMARY KEY, state text NOT NULL, at timestamptz NOT NULL DEFAULT now(), data jsonb NOT NULL)`
  await sql`CREATE INDEX bare_queued_idx ON bare (at) WHERE state = 'queued'`
  const data = JSON.stringify({ echo: TEXT })
  const single = await perSecond(seconds, CLIENTS, async () => {
    await sql`INSERT INTO bare (id, state, data) VALUES (${randomUUID()}, 'done', ${data}::text::jsonb)`
    return 1
  })
  const inserted = await perSecond(seconds, CONNECTIONS, () => insertMany(sql, data))
  const claimed: string[][] = []
  const claims = await perSecond(seconds, CONNECTIONS, async () => {
    const rows = await sql<{ id: string }[]>`
      UPDATE bare SET state = 'running' WHERE id IN (
        SELECT id FROM bare WHERE state = 'queued' ORDER BY at LIMIT ${BATCH / 2} FOR UPDATE SKIP LOCKED
      ) RETURNING id`
    claimed.push(rows.map(({ id }) => id))
    return rows.length
  })
  const finished = await perSecond(seconds, CONNECTIONS, async () => {
    const ids = claimed.pop() ?? []
    await sql`
      UPDATE bare SET state = 'done', data = given.result::jsonb
      FROM unnest(${ids}::uuid[], ${ids.map(() => data)}::text[]) AS given (id, result)
      WHERE bare.id = given.id AND state = 'running'`
    return ids.length
  })
  await sql.end()
  return [
    { what: `rows inserted one by one, each durable, ${CLIENTS} clients`, perSecond: single },
    { what: `rows inserted ${BATCH} at a time, ${CONNECTIONS} connections`, perSecond: inserted },
    { what: `rows claimed ${BATCH / 2} at a time, SKIP LOCKED, ${CONNECTIONS} connections`, perSecond: claims },
    { what: `rows finished ${BATCH / 2} at a time, with a result, ${CONNECTIONS} connections`, perSecond: finished },
  ]
}

const insertMany = async (sql: Pool, data: string): Promise<number> => {
  const ids = Array.from({ length: BATCH }, () => randomUUID())
  await sql`
    INSERT INTO bare (id, state, data)
    SELECT id, 'queued', data::jsonb FROM unnest(${ids}::uuid[], ${ids.map(() => data)}::text[]) AS given (id, data)`
  return BATCH
}

/** Repeats `work`, this many at once, until the time is over or nothing is left. @returns what it counted, per second */
const perSecond = async (seconds: number, atOnce: number, work: () => Promise<number>): Promise<number> => {
  const began = performance.now()
  const until = began + seconds * 1_000
  let count = 0
  const repeat = async (): Promise<void> => {
    while (performance.now() < until) {
      const done = await work()
      if (done === 0) return
      count += done
    }
  }
  await Promise.all(Array.from({ length: atOnce }, repeat))
  return count / ((performance.now() - began) / 1_000)
}
