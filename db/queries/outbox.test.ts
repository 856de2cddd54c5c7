import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { freeze, list, listNoted, lock, refill, removeEvents } from './outbox.ts'

test('events that are to be published are told by their rows, or read by their keys, however many wait', async ({
  world: { app, sql },
}) => {
  for (let n = 0; n < 10; n++) {
    await insertJobs(
      app,
      Array.from({ length: 1_000 }, () => ({})),
    )
  }
  for (const table of ['events', 'jobs', 'outbox']) await sql.unsafe(`ANALYZE ${table}`)
  const listAndCount = (table: string) => sql.begin((tx) => rowsRead(tx, () => list(tx, 1_000), table))
  const told = await listAndCount('events')
  expect(told.result).toHaveLength(1_000)
  expect(told.rows).toBe(0)
  expect((await listAndCount('jobs')).rows).toBe(0)
  await sql`UPDATE outbox SET told = NULL`
  const lookedUp = await listAndCount('events')
  expect(lookedUp.result).toEqual(told.result)
  expect(lookedUp.rows).toBeLessThan(1_010)
})

test('what a row tells is what its events say, whatever is in them', async ({ world: { app, sql } }) => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const names = [
    'a "name" with \\ and [brackets], and {braces}',
    'two\nlines\tand a tab',
    '没有 🦕',
    '\u2028\u202e',
    '',
  ]
  const ids = await insertJobs(
    app,
    names.map((name, nth) => ({ name, traceparent: nth % 2 === 0 ? traceparent : null })),
  )
  await sql`
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, 2, 'job.failed', jsonb_build_object('number', 0.1, 'list', '[1, null, {"a": true}]'::jsonb) FROM jobs`
  await sql`
    INSERT INTO events (job_id, project_id, seq, type)
    SELECT id, project_id, seq, 'job.progressed' FROM jobs, generate_series(3, 4) AS seq WHERE id = ANY (${ids.slice(0, 2)}::uuid[])`
  const told = await list(sql, 100)
  expect(told.map((it) => it.id && [it.seq, it.data['name']]).slice(0, names.length)).toEqual(
    names.map((it) => [1, it]),
  )
  expect(told.map((it) => it.id && it.traced?.traceparent).slice(0, 2)).toEqual([traceparent, undefined])
  expect(told).toHaveLength(2 * names.length + 4)
  await sql`UPDATE outbox SET told = NULL`
  expect(await list(sql, 100)).toEqual(told)
})

test('of jobs that are gone is told what the rows tell, and nothing that would have to be looked up', async ({
  world: { app, sql },
}) => {
  const [first = '', gone = '', last = ''] = await insertJobs(app, [{}, {}, {}])
  const [after = ''] = await insertJobs(app, [{}])
  await sql`DELETE FROM events WHERE job_id = ${gone}`
  await sql`DELETE FROM jobs WHERE id = ${gone}`
  const listed = async () => (await list(sql, 10)).map((it) => it.id && it.jobId)
  expect(await listed()).toEqual([first, gone, last, after])
  await sql`UPDATE outbox SET told = NULL`
  expect(await listed()).toEqual([first, null, last, after])
})

test('what a version that knew nothing of it has taken out of a row is told no more', async ({
  world: { app, sql },
}) => {
  const jobIds = await insertJobs(app, [{}, {}, {}])
  await sql`UPDATE outbox SET events = 1, job_ids = job_ids[2:2], seqs = seqs[2:2]`
  expect((await list(sql, 10)).map((it) => it.id && it.jobId)).toEqual(jobIds.slice(1, 2))
})

test('nothing is listed before what was noted anew meanwhile', async ({ world: { app, sql } }) => {
  await insertJobs(app, [{}])
  await sql`UPDATE outbox SET told = NULL`
  await sql`INSERT INTO events (job_id, project_id, seq, type) SELECT id, project_id, 2, 'job.started' FROM jobs`
  const racing = await sql.begin(async (tx) => {
    await tx`LOCK TABLE events IN ACCESS EXCLUSIVE MODE`
    const listing = list(sql, 10)
    listing.catch(() => {})
    await untilOneWaits(sql)
    await refill(tx, 10)
    // Not as a promise: the transaction would wait for it.
    return { listing }
  })
  expect(await racing.listing).toEqual([])
  expect((await list(sql, 10)).map((it) => it.id && it.seq)).toEqual([1, 2])
})

test('the newest events are noted once more without a look at all that there are', async ({ world: { app, sql } }) => {
  await sql`
    INSERT INTO events (job_id, project_id, seq, type)
    SELECT gen_random_uuid(), gen_random_uuid(), 1, 'job.queued' FROM generate_series(1, 30000)`
  await sql`DELETE FROM outbox`
  await insertJobs(app, [{}])
  await sql`VACUUM ANALYZE events`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => refill(tx, 1_000), 'events'))
  expect(result).toBe(1_000)
  expect(rows).toBeLessThan(6_000)
})

test('of two who take events out of the same row at once neither puts back what the other took', async ({
  world: { app, sql },
}) => {
  const jobIds = await insertJobs(app, [{}, {}, {}, {}])
  const [{ id: outboxId }] = await sql<[{ id: number }]>`SELECT id FROM outbox`
  const published = jobIds.map((jobId) => ({ outboxId, jobId, seq: 1 }))
  const second = await sql.begin(async (tx) => {
    await removeEvents(tx, published.slice(0, 1))
    const removing = removeEvents(sql, published.slice(1, 3))
    removing.catch(() => {})
    await untilOneWaits(sql)
    // Not as a promise: the transaction would wait for it.
    return { removing }
  })
  await second.removing
  expect(await sql`SELECT events, job_ids, seqs FROM outbox`).toEqual([
    { events: 1, jobIds: jobIds.slice(3), seqs: [1] },
  ])
  expect((await list(sql, 10)).map((it) => it.id && it.jobId)).toEqual(jobIds.slice(3))
  await removeEvents(sql, published)
  expect(await sql`SELECT FROM outbox`).toHaveLength(0)
})

test('who goes on from row to row finds no event of a job whose earlier one was committed behind them', async ({
  world: { app, sql },
}) => {
  const early = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  const id = newId()
  const slow = sql.begin(async (tx) => {
    await tx`INSERT INTO events (job_id, project_id, seq, type) VALUES (${id}, gen_random_uuid(), 1, 'job.queued')`
    written.resolve()
    await early.promise
  })
  await written.promise
  const [seen] = await insertJobs(app, [{}])
  const found = await sql.begin(async (tx) => {
    await freeze(tx)
    const [first] = await listNoted(tx, 0, 1)
    early.resolve()
    await slow
    await sql`INSERT INTO events (job_id, project_id, seq, type) VALUES (${id}, gen_random_uuid(), 2, 'job.started')`
    return [first, ...(await listNoted(tx, first?.outboxId ?? 0, 10))]
  })
  expect(found.map((it) => it?.jobId)).toEqual([seen])
  expect((await listNoted(sql, 0, 10)).map((it) => it.jobId)).toEqual([id, seen, id])
})

test('who locks the outbox gives up while a transaction that wrote into it does not end, so that others can write', async ({
  world: { sql },
}) => {
  await sql.begin(async (standing) => {
    await standing`LOCK TABLE outbox IN ROW EXCLUSIVE MODE`
    await expect(sql.begin((tx) => lock(tx))).rejects.toMatchObject({ code: '55P03' })
  })
})

test('a vacuum of the empty outbox keeps its file: to give it back it would lock out all who write events', async ({
  world: { sql },
}) => {
  // Random, or it would be compressed to nothing.
  await sql`
    INSERT INTO outbox (events, job_ids, seqs, told)
    SELECT 1, '{}', '{}', (SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 400 + nth)) FROM generate_series(1, 200) AS nth`
  await sql`DELETE FROM outbox`
  await sql`VACUUM outbox`
  const [size] = await sql`
    SELECT pg_relation_size(oid) > 0 AS of_rows, pg_relation_size(reltoastrelid) > 0 AS of_texts
    FROM pg_class WHERE oid = 'outbox'::regclass`
  expect(size).toEqual({ ofRows: true, ofTexts: true })
})
