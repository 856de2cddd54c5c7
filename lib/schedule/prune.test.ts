import { expect } from 'vitest'
import { testKinds } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
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
