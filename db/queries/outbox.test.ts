import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { freeze, list, listNoted, refill, removeEvents } from './outbox.ts'

test('events that are to be published are read by their keys, however many wait', async ({ world: { app, sql } }) => {
  for (let n = 0; n < 10; n++) {
    await insertJobs(
      app,
      Array.from({ length: 1_000 }, () => ({})),
    )
  }
  await sql`ANALYZE events`
  await sql`ANALYZE jobs`
  await sql`ANALYZE outbox`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => list(tx, 1_000), 'events'))
  expect(result).toHaveLength(1_000)
  expect(rows).toBeLessThan(1_010)
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
