import { PgBoss } from 'pg-boss'

const NAME = 'bench'

const start = async ({ databaseUrl }, options = {}) => {
  const boss = new PgBoss({ connectionString: databaseUrl, max: 10, supervise: false, schedule: false, ...options })
  boss.on('error', console.error)
  await boss.start()
  return boss
}

export const openQueue = async (env) => {
  const boss = await start(env)
  await boss.createQueue(NAME, { notify: true })
  const db = boss.getDb()
  return {
    add: (data) => boss.send(NAME, data),
    addMany: (list) =>
      boss.insert(
        NAME,
        list.map((data) => ({ data })),
      ),
    left: async () => {
      const { rows } = await db.executeSql("SELECT count(*)::int AS left FROM pgboss.job WHERE state < 'completed'")
      return rows[0].left
    },
  }
}

export const work = async (env, onEnded) => {
  const boss = await start(env, { useListenNotify: true })
  const options = {
    batchSize: env.drain ? 500 : 50,
    localConcurrency: 2,
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  }
  await boss.work(NAME, options, async (jobs) => {
    for (const job of jobs) onEnded(job.id, performance.timeOrigin + performance.now())
    return { steps: 0, echo: jobs[0].data.echo }
  })
}
