import { type Alongside, transaction } from '../../db/client.ts'
import * as queues from '../../db/queries/queues.ts'
import type { App } from '../app.ts'
import { readDepths } from './depths.ts'
import type { QueueName } from './doorbells.ts'
import { ringForMany } from './ring.ts'

/** Stops starting jobs of the queue. Running jobs go on. */
export const pauseQueue = (app: App, queue: QueueName, alongside?: Alongside): Promise<void> =>
  transaction(app.sql, async (tx) => {
    await queues.pause(tx, queue)
    await alongside?.(tx)
  })

/** Lets the queue's jobs start again, and rings for those that wait: their own doorbells were spent while it was paused. */
export const resumeQueue = async (app: App, queue: QueueName, alongside?: Alongside): Promise<void> => {
  await transaction(app.sql, async (tx) => {
    await queues.resume(tx, queue)
    await alongside?.(tx)
  })
  const waiting = (await readDepths(app)).queues.find((it) => it.name === queue)?.queued ?? 0
  await ringForMany(app, [{ queue, jobs: waiting }])
}
