import { expect, onTestFinished } from 'vitest'
import { createPool, type Sql } from '../../db/client.ts'
import * as auditLog from '../../db/queries/audit-log.ts'
import * as idempotencyKeys from '../../db/queries/idempotency-keys.ts'
import * as rateLimits from '../../db/queries/rate-limits.ts'
import * as schedules from '../../db/queries/schedules.ts'
import * as sessions from '../../db/queries/sessions.ts'
import * as uniqueKeys from '../../db/queries/unique-keys.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs, testKinds } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test, type World } from '../../tests/support/world.ts'
import { newId } from '../core/ids.ts'
import { prepare } from '../jobs/prepare.ts'
import { submit } from '../jobs/submit.ts'
import { prune } from './prune.ts'

const counts = async ({ sql }: World) => {
  const [row] = await sql`
    SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM session_tokens) AS tokens,
           (SELECT count(*) FROM rate_limits) AS limits, (SELECT count(*) FROM idempotency_keys) AS idempotency,
           (SELECT count(*) FROM unique_keys) AS uniques, (SELECT count(*) FROM schedule_ticks) AS ticks`
  return row
}

test('what has had its time goes, what has not stays', async ({ world }) => {
  const { sql } = world
  await world.register('Ada')
  const grace = await world.register('Grace')
  await sql`
    UPDATE session_tokens SET expires_at = now() - interval '1 hour'
    FROM sessions WHERE sessions.id = session_id AND user_id = ${grace.userId}`
  await sql`
    INSERT INTO rate_limits (key, tokens, updated_at) VALUES ('old', 1, now() - interval '1 day'), ('new', 1, now() + interval '1 hour')`
  await sql`
    INSERT INTO idempotency_keys (project_id, key, body_hash, job_ids, expires_at)
    SELECT gen_random_uuid(), 'key', '', '[]', now() + n * interval '1 hour' FROM unnest(ARRAY[-1, 1]) AS n`
  await sql`
    INSERT INTO unique_keys (project_id, key, job_id, until)
    SELECT gen_random_uuid(), 'key', gen_random_uuid(), now() + n * interval '1 hour' FROM unnest(ARRAY[-1, 1]) AS n`
  await sql`
    WITH schedule AS (
      INSERT INTO schedules (id, project_id, name, cron, time_zone, kind, input)
      SELECT gen_random_uuid(), id, 'a', '* * * * *', 'UTC', 'math.pi', '{}' FROM projects LIMIT 1 RETURNING id
    )
    INSERT INTO schedule_ticks (schedule_id, tick, job_id)
    SELECT id, now() - days * interval '1 day', gen_random_uuid() FROM schedule, unnest(ARRAY[29, 31]) AS days`
  const before = await counts(world)
  await prune(world.app)
  const after = await counts(world)
  expect(before).toMatchObject({ sessions: 2, tokens: 2, idempotency: 2, uniques: 2, ticks: 2 })
  expect(after).toMatchObject({ sessions: 1, tokens: 1, idempotency: 1, uniques: 1, ticks: 1 })
  const limits = await sql`SELECT key FROM rate_limits WHERE key IN ('old', 'new')`
  expect([...limits]).toEqual([{ key: 'new' }])
})

test('more rows than one statement takes go all the same', async ({ world }) => {
  await world.sql`
    INSERT INTO idempotency_keys (project_id, key, body_hash, job_ids, expires_at)
    SELECT gen_random_uuid(), 'key', '', '[]', now() - interval '1 hour' FROM generate_series(1, 2500)`
  await prune(world.app)
  expect(await counts(world)).toMatchObject({ idempotency: 0 })
})

test('a unique key that a job takes while expired ones are removed stays with it', async ({ world: { app, sql } }) => {
  const owner = { projectId: '00000000-0000-7000-8000-000000000001', createdBy: null }
  const take = (nth: number) =>
    submit(app, [prepare(testKinds, { kind: 'test.echo', input: { value: 1 }, uniqueKey: `k${nth}` }, owner)])
  for (let round = 0; round < 8; round++) {
    await sql`DELETE FROM unique_keys`
    await sql`
      INSERT INTO unique_keys (project_id, key, job_id, until)
      SELECT ${owner.projectId}, 'k' || n, gen_random_uuid(), now() - interval '1 hour' FROM generate_series(1, 1000) AS n`
    const submitter = async (nth: number) => {
      for (let key = 1_000 - nth; key > 950; key -= 8) await take(key)
    }
    await Promise.all([prune(app), ...Array.from({ length: 8 }, (_, nth) => submitter(nth))])
    expect(
      await sql`
      SELECT unique_key FROM jobs WHERE state = 'queued' AND NOT EXISTS (SELECT FROM unique_keys WHERE job_id = jobs.id)`,
    ).toEqual([])
    await sql`DELETE FROM jobs`
  }
})

test('without time left it does nothing', async ({ world }) => {
  await world.sql`
    INSERT INTO idempotency_keys (project_id, key, body_hash, job_ids, expires_at)
    VALUES (gen_random_uuid(), 'key', '', '[]', now() - interval '1 hour')`
  await prune(world.app, () => 29_000)
  expect(await counts(world)).toMatchObject({ idempotency: 1 })
})

test('what S3 keeps from being done keeps nothing else', async ({ world }) => {
  await world.sql`INSERT INTO orphaned_objects (object_key) VALUES ('a')`
  await world.sql`
    INSERT INTO idempotency_keys (project_id, key, body_hash, job_ids, expires_at)
    VALUES (gen_random_uuid(), 'key', '', '[]', now() - interval '1 hour')`
  const files = { ...world.app.files, deleteAll: () => Promise.reject(new Error('no S3')) }
  await expect(prune({ ...world.app, files })).rejects.toThrow('no S3')
  expect(await counts(world)).toMatchObject({ idempotency: 0 })
  const orphans = await world.sql`SELECT object_key FROM orphaned_objects`
  expect([...orphans]).toEqual([{ objectKey: 'a' }])
})

const EXPIRED = 5_000

/** What is pruned in batches: how as many rows as {@link EXPIRED} come about, and how a batch of them goes. */
const PRUNED: [table: string, fill: string, removeBatch: (sql: Sql, limit: number) => Promise<number>][] = [
  [
    'idempotency_keys',
    `INSERT INTO idempotency_keys (project_id, key, body_hash, job_ids, expires_at)
     SELECT gen_random_uuid(), 'key', '', '[]', now() - n * interval '1 second' FROM generate_series(1, ${EXPIRED}) AS n`,
    idempotencyKeys.prune,
  ],
  [
    'schedule_ticks',
    `WITH project AS (
       INSERT INTO projects (id, name) VALUES (gen_random_uuid(), 'a') RETURNING id
     ), schedule AS (
       INSERT INTO schedules (id, project_id, name, cron, time_zone, kind, input)
       SELECT gen_random_uuid(), id, 'a', '* * * * *', 'UTC', 'math.pi', '{}' FROM project RETURNING id
     )
     INSERT INTO schedule_ticks (schedule_id, tick, job_id)
     SELECT id, now() - interval '31 days' - n * interval '1 minute', gen_random_uuid()
     FROM schedule, generate_series(1, ${EXPIRED}) AS n`,
    (sql, limit) => schedules.pruneTicks(sql, 30, limit),
  ],
  [
    'session_tokens',
    `WITH person AS (
       INSERT INTO users (id, email, name, password_hash) VALUES (gen_random_uuid(), 'a@example.com', 'Ada', '') RETURNING id
     ), session AS (
       INSERT INTO sessions (id, user_id) SELECT gen_random_uuid(), id FROM person RETURNING id
     )
     INSERT INTO session_tokens (token_hash, session_id, expires_at)
     SELECT sha256(n::text::bytea), id, now() - n * interval '2 minutes' FROM session, generate_series(1, ${EXPIRED}) AS n`,
    sessions.deleteExpiredTokens,
  ],
  [
    'rate_limits',
    `INSERT INTO rate_limits (key, tokens, updated_at)
     SELECT md5(n::text), 1, now() - interval '1 hour' - n * interval '1 second' FROM generate_series(1, ${EXPIRED}) AS n`,
    rateLimits.deleteStale,
  ],
  [
    'audit_log',
    `INSERT INTO audit_log (id, action, target, created_at)
     SELECT md5(n::text)::uuid, 'a', 'b', now() - interval '2 years' FROM generate_series(1, ${EXPIRED}) AS n`,
    (sql, limit) => auditLog.prune(sql, 365, limit),
  ],
  [
    'unique_keys',
    `INSERT INTO unique_keys (project_id, key, job_id, until)
     SELECT gen_random_uuid(), 'key', gen_random_uuid(), now() - n * interval '1 second' FROM generate_series(1, ${EXPIRED}) AS n`,
    async (sql, limit) => {
      const expired = await uniqueKeys.lockExpired(sql, null, limit)
      await uniqueKeys.removeExpired(sql, expired)
      return expired.length
    },
  ],
]

test.for(PRUNED)(
  'a batch of %s reads what it removes, and not all that is left for others',
  async ([table, fill, removeBatch], { world: { sql } }) => {
    await sql.unsafe(fill)
    await addEnded(sql, newId(), EXPIRED)
    await sql`ANALYZE`
    const read: number[] = []
    for (const plan of ['force_custom_plan', 'force_generic_plan']) {
      await sql.begin(async (tx) => {
        await tx`SELECT set_config('plan_cache_mode', ${plan}, true)`
        const { result, rows } = await rowsRead(tx, () => rowsRead(tx, () => removeBatch(tx, 100)), table)
        expect(result.result).toBe(100)
        // Of the jobs that may have a key at most one for each.
        read.push(rows + result.rows)
      })
    }
    expect(Math.max(...read)).toBeLessThan(600)
  },
)

test('unique keys of jobs that live are looked at once, however many others go', async ({ world: { app, sql } }) => {
  const jobIds = await insertJobs(
    app,
    Array.from({ length: 1_000 }, () => ({})),
  )
  // Their time was over before that of the others.
  await sql`
    INSERT INTO unique_keys (project_id, key, job_id, until)
    SELECT gen_random_uuid(), 'key', id, now() - interval '1 day' FROM unnest(${jobIds}::uuid[]) AS id`
  await sql`
    INSERT INTO unique_keys (project_id, key, job_id, until)
    SELECT gen_random_uuid(), 'key', gen_random_uuid(), now() - n * interval '1 second' FROM generate_series(1, 8000) AS n`
  await sql`ANALYZE`
  const { url } = app.config.database
  const pool = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'one' })
  onTestFinished(() => pool.end({ timeout: 0 }))
  const countRead = async () => {
    await pool`SELECT pg_stat_force_next_flush()`
    const [row] = await pool<[{ rows: number }]>`
      SELECT (seq_tup_read + idx_tup_fetch)::integer AS rows FROM pg_stat_user_tables WHERE relname = 'jobs'`
    return row.rows
  }
  const before = await countRead()
  await prune({ ...app, sql: pool })
  expect((await countRead()) - before).toBeLessThan(3_000)
  const [left] = await sql`SELECT count(*)::integer AS keys FROM unique_keys`
  expect(left).toEqual({ keys: 1_000 })
})
