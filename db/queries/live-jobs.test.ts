import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { rowsRead } from '../../tests/support/rows-read.ts'
import { test } from '../../tests/support/world.ts'
import type { Sql } from '../client.ts'
import * as files from './files.ts'
import * as projects from './projects.ts'

/** What is to be known of a project's jobs that have not ended. */
const LOOKS: [string, (sql: Sql, projectId: string) => Promise<unknown>][] = [
  ['whether there are any', projects.hasLiveJobs],
  ['whether one needs a file', (sql, projectId) => files.isInUse(sql, { id: newId(), projectId })],
  [
    'whether one was given a file of a stint that died',
    async (sql, projectId) => {
      const [jobId, id] = [newId(), newId()]
      const file = { id, projectId, objectKey: id, name: 'a.csv', contentType: 'text/csv', sizeBytes: 1 }
      await files.insert(sql, { ...file, madeBy: { jobId, stint: 1 } }, Number.POSITIVE_INFINITY)
      await files.removeLost(sql, { jobId, stint: 2, name: 'a.csv' })
      return (await files.findById(sql, id)) !== null
    },
  ],
]

test.for(LOOKS)('%s is told without a look at those that have ended', async ([, look], { world: { app, sql } }) => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'Old')`
  await addEnded(sql, projectId, 3_000)
  await insertJobs(app, [{}, {}])
  await sql`ANALYZE jobs`
  for (const plan of ['force_custom_plan', 'force_generic_plan']) {
    const { result, rows } = await sql.begin(async (tx) => {
      await tx`SELECT set_config('plan_cache_mode', ${plan}, true)`
      return rowsRead(tx, () => look(tx, projectId))
    })
    expect(result).toBe(false)
    expect(rows).toBeLessThan(20)
  }
})

test('a job that waits, runs or is blocked is live, of a kind with limits too, and one of another project is not', async ({
  world: { app, sql },
}) => {
  const [projectId, fileId] = [newId(), newId()]
  const input = JSON.stringify({ fileId })
  for (const [given, state] of [
    [{ queue: 'bulk', delaySeconds: 60 }, 'queued'],
    [{ concurrencyKey: '' }, 'queued'],
    [{}, 'running'],
    [{ concurrencyKey: '' }, 'running'],
    [{ waitsFor: 1 }, 'blocked'],
  ] as const) {
    const [jobId = ''] = await insertJobs(app, [{ projectId, input, ...given }])
    await sql`UPDATE jobs SET state = ${state} WHERE id = ${jobId}`
    const looks = async () => [
      await projects.hasLiveJobs(sql, projectId),
      await files.isInUse(sql, { id: fileId, projectId }),
      await files.isInUse(sql, { id: newId(), projectId }),
      await projects.hasLiveJobs(sql, newId()),
      await files.isInUse(sql, { id: fileId, projectId: newId() }),
    ]
    expect(await looks()).toEqual([true, true, false, false, false])
    await sql`UPDATE jobs SET state = 'cancelled' WHERE id = ${jobId}`
    expect((await looks()).slice(0, 2)).toEqual([false, false])
  }
})
