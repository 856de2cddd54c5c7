import { expect, onTestFinished } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { addWaiting, claimWaiting } from '../../tests/support/waiting-jobs.ts'
import { test } from '../../tests/support/world.ts'
import { createPool, type Sql } from '../client.ts'
import type { ClaimedJob } from './claims.ts'
import * as leases from './leases.ts'
import * as outcomes from './outcomes.ts'
import * as safePoints from './safe-points.ts'

/** What a worker writes of jobs that it runs. */
const WRITES: [string, (sql: Sql, jobs: ClaimedJob[]) => Promise<unknown[]>][] = [
  [
    'safe points',
    (sql, jobs) =>
      safePoints.save(
        sql,
        jobs.map(({ id, stint }) => ({ id, stint, progress: 0.5 })),
      ),
  ],
  [
    'leases',
    (sql, jobs) => leases.extend(sql, { ids: jobs.map((it) => it.id), stints: jobs.map((it) => it.stint) }, 60),
  ],
  [
    'successes',
    (sql, jobs) =>
      outcomes.finish(
        sql,
        jobs.map((it) => ended(it, 'returned')),
      ),
  ],
  [
    'other ends',
    (sql, jobs) =>
      outcomes.settle(
        sql,
        jobs.map((it) => ended(it, 'threw')),
        'without parents',
      ),
  ],
]

const ended = ({ id, stint }: ClaimedJob, ending: 'returned' | 'threw') => ({
  id,
  stint,
  ending,
  runMs: 1,
  result: '1',
})

test.for(WRITES)(
  '%s read the jobs that they are of, and not all that run, although the planner knows of none',
  async ([, write], { world }) => {
    await addWaiting(world, 1_000)
    const claimed = await claimWaiting(world.sql, 1_000)
    const { url } = world.app.config.database
    const pool = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'one' })
    onTestFinished(() => pool.end({ timeout: 0 }))
    const read: number[] = []
    // From the sixth time on a plan is kept for all.
    for (let n = 0; n < 8; n++) {
      const { result, rows } = await pool.begin((tx) => rowsRead(tx, () => write(tx, claimed.splice(0, 2))))
      expect(result).toHaveLength(2)
      read.push(rows)
    }
    expect(Math.max(...read)).toBeLessThan(10)
  },
)

test('crashes count until there is a new checkpoint or a result, and progress alone is none', async ({
  world: { app, sql },
}) => {
  await insertJobs(app, [{}])
  const left = async (write: (held: { id: string; stint: number }) => Promise<unknown>) => {
    const [held] = await sql<[{ id: string; stint: number }]>`
      UPDATE jobs SET state = 'running', stint = stint + 1, worker = 'w', stint_started_at = now(),
        lease_until = now() + interval '1 minute', crashes = 2, error = '{"code": "OWN"}'
      RETURNING id, stint`
    await write(held)
    return (await sql`SELECT crashes, error->>'code' AS error FROM jobs`)[0]
  }
  const stopped = { ending: 'yielded', runMs: 1 } as const
  const settled = (outcome: outcomes.Outcome) => outcomes.settle(sql, [outcome], 'with parents')
  const counted = { crashes: 2, error: 'OWN' }
  const anew = { crashes: 0, error: 'OWN' }
  expect(await left((held) => safePoints.save(sql, [{ ...held, progress: 0.5, partial: '1' }]))).toEqual(counted)
  expect(await left((held) => safePoints.save(sql, [{ ...held, checkpoint: '1' }]))).toEqual(anew)
  expect(await left((held) => settled({ ...held, ...stopped, progress: 0.5 }))).toEqual(counted)
  expect(await left((held) => settled({ ...held, ...stopped, checkpoint: '1' }))).toEqual(anew)
  const done = { crashes: 0, error: null }
  expect(await left((held) => outcomes.finish(sql, [{ ...held, ending: 'returned', runMs: 1, result: '1' }]))).toEqual(
    done,
  )
})
