import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

const connect = ({ redisPort }) => new Redis({ port: redisPort, maxRetriesPerRequest: null })
const NAME = 'bench'

export const openQueue = async (env) => {
  const queue = new Queue(NAME, { connection: connect(env) })
  await queue.waitUntilReady()
  return {
    add: async (data) => (await queue.add('noop', data)).id,
    addMany: (list) => queue.addBulk(list.map((data) => ({ name: 'noop', data }))),
    left: async () => {
      const counts = await queue.getJobCounts('wait', 'active', 'prioritized')
      return counts.wait + counts.active + counts.prioritized
    },
  }
}

export const work = async (env, onEnded) => {
  const run = async (job) => ({ steps: 0, echo: job.data.echo })
  const worker = new Worker(NAME, run, { connection: connect(env), concurrency: 100 })
  worker.on('completed', (job) => onEnded(job.id, job.finishedOn))
  await worker.waitUntilReady()
}
