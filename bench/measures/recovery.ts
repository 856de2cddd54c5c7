import { setTimeout as sleep } from 'node:timers/promises'
import type { MeasuredStack } from '../stack.ts'

export interface Recovery {
  jobs: number
  /** Jobs that the killed process was running. */
  interrupted: number
  /** From the kill until the last interrupted job had ended. */
  recoveredSeconds: number
  lost: number
  finishedTwice: number
}

/** Kills a worker that is in the middle of many jobs of 20 ms. */
export const measureRecovery = async (measured: MeasuredStack, jobs: number): Promise<Recovery> => {
  const { stack, sql, http, pause, release, idle } = measured
  await pause()
  const submission = { kind: 'debug.noop', input: { steps: 1, stepMs: 20 }, tags: ['recovery'] }
  await http('POST', '/jobs/batch', { jobs: Array.from({ length: jobs }, () => submission) })
  await release(jobs)
  const killedAt = await killOneAtWork(measured)
  await idle()
  const [row] = await sql<[Omit<Recovery, 'jobs'>]>`
    WITH submitted AS (SELECT id, state, finished_at FROM jobs WHERE tags @> ARRAY['recovery']),
    interrupted AS (SELECT DISTINCT id, finished_at FROM submitted JOIN stints ON job_id = id AND outcome = 'crashed')
    SELECT
      (SELECT count(*) FROM interrupted)::integer AS interrupted,
      (SELECT extract(epoch FROM max(finished_at) - ${killedAt}) FROM interrupted)::float8 AS recovered_seconds,
      (SELECT count(*) FROM submitted WHERE state <> 'succeeded')::integer AS lost,
      (SELECT count(*) FROM (
        SELECT FROM submitted JOIN events ON job_id = submitted.id AND type = 'job.succeeded' GROUP BY job_id HAVING count(*) > 1
      ) AS twice)::integer AS finished_twice`
  if (stack.run().every(({ name }) => !name.startsWith('worker-'))) throw new Error('no worker came back')
  return { jobs, ...row }
}

/** Waits until a worker has begun a good part of the jobs, and kills it. */
const killOneAtWork = async ({ stack, sql }: MeasuredStack): Promise<Date> => {
  for (;;) {
    const [row] = await sql<{ worker: string }[]>`
      SELECT worker FROM jobs WHERE state = 'running' AND tags @> ARRAY['recovery']
      GROUP BY worker HAVING count(*) >= 100 LIMIT 1`
    const victim = stack.run().find(({ name }) => row?.worker.startsWith(`${name}-`))
    if (victim) {
      process.kill(victim.pid, 'SIGKILL')
      return new Date()
    }
    await sleep(2)
  }
}
