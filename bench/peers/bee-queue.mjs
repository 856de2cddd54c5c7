import BeeQueue from 'bee-queue'

const NAME = 'bench'
const common = ({ redisPort }) => ({ redis: { port: redisPort }, removeOnSuccess: false, getEvents: false })

export const openQueue = async (env) => {
  const queue = new BeeQueue(NAME, { ...common(env), isWorker: false })
  await queue.ready()
  return {
    add: async (data) => (await queue.createJob(data).save()).id,
    addMany: (list) => queue.saveAll(list.map((data) => queue.createJob(data))),
    left: async () => {
      const { waiting, active } = await queue.checkHealth()
      return waiting + active
    },
  }
}

export const work = async (env, onEnded) => {
  const queue = new BeeQueue(NAME, { ...common(env), sendEvents: false })
  await queue.ready()
  queue.on('succeeded', (job) => onEnded(job.id, performance.timeOrigin + performance.now()))
  queue.process(100, async (job) => ({ steps: 0, echo: job.data.echo }))
}
