import { makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'

const pool = ({ databaseUrl }) => new pg.Pool({ connectionString: databaseUrl, max: 30 })

export const openQueue = async (env) => {
  const pgPool = pool(env)
  const utils = await makeWorkerUtils({ pgPool })
  await utils.migrate()
  return {
    add: async (data) => (await utils.addJob('noop', data)).id,
    addMany: (list) => utils.addJobs(list.map((payload) => ({ identifier: 'noop', payload }))),
    left: async () => {
      const { rows } = await pgPool.query('SELECT count(*)::int AS left FROM graphile_worker._private_jobs')
      return rows[0].left
    },
  }
}

export const work = async (env, onEnded) => {
  const inBatches = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
  const runner = await run({
    preset: { worker: { concurrentJobs: 24, pollInterval: 500, ...(env.drain && inBatches) } },
    pgPool: pool(env),
    taskList: { noop: async () => {} },
    logger: quiet,
  })
  runner.events.on('job:success', ({ job }) => onEnded(job.id, performance.timeOrigin + performance.now()))
}

const { Logger } = await import('graphile-worker')
const quiet = new Logger(() => () => {})
