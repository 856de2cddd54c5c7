import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { claimWaiting } from '../../tests/support/waiting-jobs.ts'
import { test } from '../../tests/support/world.ts'
import { insertFenced, list } from './job-logs.ts'

test('only the stint that holds a job adds to its log', async ({ world: { app, sql } }) => {
  const [jobId = ''] = await insertJobs(app, [{}])
  const say = (stint: number, message: string) =>
    insertFenced(sql, [{ jobId, stint, level: 'info', message, data: null, at: new Date().toISOString() }])
  await claimWaiting(sql, 1)
  await say(1, 'it runs')
  await sql`UPDATE jobs SET stint = 2`
  await say(1, 'of a stint that lost it')
  await sql`UPDATE jobs SET state = 'succeeded'`
  await say(2, 'after its end')
  expect((await list(sql, jobId, 0, 10)).map(({ message }) => message)).toEqual(['it runs'])
})
