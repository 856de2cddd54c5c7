import { expect } from 'vitest'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import { type Glance, glance } from './sweeps.ts'

const NOTHING: Glance = { lost: false, expired: false, uncounted: false, queued: false }

/** Jobs of one state, whose leases ran out if they have such. */
const insert = (
  tx: Parameters<typeof glance>[0],
  state: string,
  jobs: number,
  concurrencyKey: string | null = null,
) => tx`
  INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input, start_at, concurrency_key, lease_until)
  SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, ${state}, 'test.echo', 'bulk', '{}', now(), ${concurrencyKey},
    CASE WHEN ${state} = 'running' THEN now() - interval '1 second' END
  FROM generate_series(1, ${jobs})`

test('a glance reads no job that has ended, also by a plan that was made when there were none', async ({ world }) => {
  await world.sql.begin(async (tx) => {
    for (let time = 1; time <= 6; time++) expect(await glance(tx)).toEqual(NOTHING)
    await insert(tx, 'succeeded', 5_000)
    expect(await rowsRead(tx, () => glance(tx))).toEqual({ result: NOTHING, rows: 0 })
  })
})

test.for([
  ['a lost lease', 'running', null, { lost: true }],
  ['a job that waits', 'queued', null, { queued: true }],
  ['a job of a kind with limits that waits', 'queued', 'key', { queued: true }],
] as const)('a glance finds %s', async ([, state, concurrencyKey, found], { world }) => {
  await insert(world.sql, state, 1, concurrencyKey)
  expect(await glance(world.sql)).toEqual({ ...NOTHING, ...found })
})

test.for([
  ['blocked', { expired: true }],
  ['queued', { expired: true, queued: true }],
] as const)('a glance finds a %s job that has expired', async ([state, found], { world }) => {
  await insert(world.sql, state, 1)
  await world.sql`UPDATE jobs SET expires_at = now()`
  expect(await glance(world.sql)).toEqual({ ...NOTHING, ...found })
})

test('a glance finds an end that is not counted', async ({ world }) => {
  await insert(world.sql, 'succeeded', 1)
  await world.sql`INSERT INTO uncounted_parents (job_id) SELECT id FROM jobs`
  expect(await glance(world.sql)).toEqual({ ...NOTHING, uncounted: true })
})
