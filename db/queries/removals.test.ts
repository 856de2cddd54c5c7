import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { listExpired, listFree, listWithFilesInUse } from './removals.ts'

test('no job is read that is too young to be removed', async ({ world }) => {
  await addEnded(world.sql, newId(), 3_000)
  await world.sql`ANALYZE jobs`
  const page = { after: '00000000-0000-0000-0000-000000000000', limit: 10, maxEvents: 10_000 }
  const { result: expired, rows: read } = await world.sql.begin((tx) =>
    rowsRead(tx, () => listExpired(tx, { days: 30, ...page })),
  )
  expect(expired).toEqual([])
  // The planner itself looks at the first and the last one.
  expect(read).toBeLessThan(10)
})

test('half a million events that wait for Kafka don’t keep old jobs from being found and removed', async ({
  world,
}) => {
  await addEnded(world.sql, newId(), 1_000)
  await world.sql`UPDATE jobs SET finished_at = now() - interval '2 days'`
  await world.sql`
    INSERT INTO outbox (events, job_ids, seqs)
    SELECT 50, array_agg(gen_random_uuid()), array_agg(1) FROM generate_series(1, 500000) AS n GROUP BY n % 10000`
  await world.sql`ANALYZE jobs, outbox`
  const page = { after: '00000000-0000-0000-0000-000000000000', limit: 1_000, maxEvents: 10_000 }
  await world.sql.begin(async (tx) => {
    // Each of the jobs held against each of the events takes minutes.
    await tx`SET LOCAL statement_timeout = '20s'`
    // What a server has unless it is told otherwise.
    await tx`SET LOCAL work_mem = '4MB'`
    const ids = await listExpired(tx, { days: -1, ...page })
    expect(ids).toHaveLength(1_000)
    expect(await listFree(tx, ids, 1)).toEqual(ids)
  })
})

test('of live jobs of other projects none is read to tell whose files are in use', async ({ world: { app, sql } }) => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'P')`
  const ended = await addEnded(sql, projectId, 500)
  const made = ended.slice(0, 5).map((jobId) => ({ fileId: newId(), jobId }))
  for (const { fileId, jobId } of made)
    await sql`
      INSERT INTO files (id, project_id, job_id, object_key, name, content_type)
      VALUES (${fileId}, ${projectId}, ${jobId}, ${fileId}, 'report.csv', 'text/csv')`
  const [queued, limited, running, blocked, another] = made.map(({ fileId }) => JSON.stringify({ fileId }))
  await insertJobs(
    app,
    Array.from({ length: 1_000 }, () => ({ input: another ?? '' })),
  )
  const [, , runs = '', waits = ''] = await insertJobs(app, [
    { projectId, input: queued ?? '' },
    { projectId, input: limited ?? '', concurrencyKey: 'room' },
    { projectId, input: running ?? '' },
    { projectId, input: blocked ?? '' },
  ])
  await sql`UPDATE jobs SET state = 'running' WHERE id = ${runs}`
  await sql`UPDATE jobs SET state = 'blocked' WHERE id = ${waits}`
  await sql`ANALYZE jobs`
  await sql`ANALYZE files`
  const { result, rows } = await sql.begin((tx) => rowsRead(tx, () => listWithFilesInUse(tx, ended)))
  expect(result.sort()).toEqual(ended.slice(0, 4))
  expect(rows).toBeLessThan(20)
})
