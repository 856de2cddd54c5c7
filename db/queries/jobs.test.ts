import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { claimWaiting } from '../../tests/support/waiting-jobs.ts'
import { test } from '../../tests/support/world.ts'
import * as events from './events.ts'
import { acknowledgeCancel, cancel, cancelQueued, disown, type NewJob } from './jobs.ts'

const OTHER = '00000000-0000-7000-8000-000000000002'
const RUN_AT = '2100-01-01T00:00:00.000Z'

/** What one job of two may have that the other hasn't, and what is stored of both. */
const DIFFERENCES: [Partial<NewJob>, string, stored: [unknown, unknown]][] = [
  [{ projectId: OTHER }, 'project_id', ['00000000-0000-7000-8000-000000000001', OTHER]],
  [{ createdBy: OTHER }, 'created_by', [null, OTHER]],
  [{ kind: 'test.other' }, 'kind', ['test.echo', 'test.other']],
  [{ queue: 'bulk' }, 'queue', ['default', 'bulk']],
  [{ name: 'a "name", with {marks}' }, 'name', [null, 'a "name", with {marks}']],
  [{ priority: -3 }, 'priority', [0, -3]],
  [{ tags: ['a', 'b'] }, 'tags', [[], ['a', 'b']]],
  [{ maxAttempts: 7 }, 'max_attempts', [3, 7]],
  [{ timeoutSeconds: 5 }, 'timeout_seconds', [3_600, 5]],
  [{ delaySeconds: 90 }, 'extract(epoch FROM start_at - queued_at)::integer', [0, 90]],
  [{ runAt: RUN_AT }, `start_at = '${RUN_AT}'`, [false, true]],
  [{ expiresInSeconds: 90 }, 'extract(epoch FROM expires_at - queued_at)::integer', [null, 90]],
  [{ expiresAt: RUN_AT }, `expires_at = '${RUN_AT}'`, [null, true]],
  [{ input: '{"value":2}' }, 'input', [{ value: 1 }, { value: 2 }]],
  [{ waitsFor: 1 }, 'waits_for || state', ['0queued', '1blocked']],
  [{ hasParents: true }, 'has_parents', [false, true]],
  [{ hasChildren: true }, 'has_children', [false, true]],
  [{ onParentFailure: 'skip' }, 'on_parent_failure', ['fail', 'skip']],
  [{ concurrencyKey: '' }, 'concurrency_key', [null, '']],
  [{ uniqueKey: 'key' }, 'unique_key', [null, 'key']],
  [{ traceparent: '00-1-2-01' }, 'traceparent', [null, '00-1-2-01']],
  [{ submittedBy: OTHER }, 'submitted_by', [null, OTHER]],
]

test('each job of a batch is stored as it was given, whatever it has in common with the others', async ({ world }) => {
  for (const [difference, column, stored] of DIFFERENCES) {
    const ids = await insertJobs(world.app, [{}, difference])
    const rows =
      await world.sql`SELECT ${world.sql.unsafe(column)} AS it FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id`
    expect([column, ...rows.map((row) => row['it'])]).toEqual([column, ...stored])
  }
})

test('jobs that are alike but for what is their own are stored as one that is alone', async ({ world }) => {
  for (const [difference, column, [, stored]] of DIFFERENCES) {
    const ids = await insertJobs(world.app, [
      { ...difference, name: 'a' },
      { ...difference, name: 'b' },
    ])
    const alone = await insertJobs(world.app, [difference])
    const rows = await world.sql`
      SELECT ${world.sql.unsafe(column)} AS it FROM jobs WHERE id = ANY (${[...ids, ...alone]}::uuid[]) ORDER BY id`
    if (column !== 'name') expect([column, ...rows.map((row) => row['it'])]).toEqual([column, stored, stored, stored])
  }
})

test('jobs that may run yet become nobody’s without a look at those that succeeded', async ({
  world: { app, sql },
}) => {
  const userId = newId()
  const succeeded = await addEnded(sql, newId(), 3_000)
  const own = await insertJobs(
    app,
    [{}, {}, {}, { waitsFor: 1 }, { concurrencyKey: '' }, {}].map((it) => ({ ...it, createdBy: userId })),
  )
  await insertJobs(app, [{ createdBy: OTHER }])
  for (const [nth, state] of ['running', 'failed', 'cancelled'].entries())
    await sql`UPDATE jobs SET state = ${state} WHERE id = ${own[nth] ?? ''}`
  await sql`UPDATE jobs SET created_by = ${userId} WHERE id = ANY (${succeeded.slice(0, 2)}::uuid[])`
  await sql`ANALYZE jobs`
  const { rows } = await sql.begin((tx) => rowsRead(tx, () => disown(tx, userId)))
  expect(rows).toBeLessThan(50)
  const left = await sql`
    SELECT created_by, array_agg(DISTINCT state) AS states FROM jobs WHERE created_by IS NOT NULL GROUP BY created_by ORDER BY created_by`
  expect([...left]).toEqual([
    { createdBy: OTHER, states: ['queued'] },
    { createdBy: userId, states: ['succeeded'] },
  ])
})

test('a cancel lengthens no lease, and is acknowledged once', async ({ world: { app, sql } }) => {
  const ids = await insertJobs(app, [{}])
  await claimWaiting(sql, 1)
  const [before] = await sql`UPDATE jobs SET lease_until = now() + interval '10 seconds' RETURNING lease_until`
  await cancel(sql, ids)
  await acknowledgeCancel(sql, ids, [1])
  await acknowledgeCancel(sql, ids, [1])
  expect(await sql`SELECT lease_until FROM jobs`).toEqual([before])
  const steps = (await events.list(sql, ids[0] ?? '', 0, 10)).map(({ data }) => data['step'])
  expect(steps).toEqual([undefined, undefined, 'requested', 'acknowledged'])
})

test('of the jobs whose place others take, one that was claimed meanwhile runs on', async ({ world: { app, sql } }) => {
  const ids = await insertJobs(app, [{}, {}])
  const [running] = await claimWaiting(sql, 1)
  const queued = ids.filter((id) => id !== running?.id)
  expect((await cancelQueued(sql, ids)).map(({ id }) => id)).toEqual(queued)
  expect(await sql`SELECT state FROM jobs WHERE id <> ALL (${queued}::uuid[])`).toEqual([{ state: 'running' }])
})
