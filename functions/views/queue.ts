import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { StintError } from '../../lib/core/errors.ts'
import { id } from '../../lib/http/schemas.ts'
import { readDepths } from '../../lib/queue/depths.ts'
import { QUEUES, type QueueName } from '../../lib/queue/doorbells.ts'

export const queue = z
  .object({
    name: z.enum(QUEUES),
    paused: z.boolean(),
    queued: z.int().meta({ description: 'Jobs that could start now.' }),
    delayed: z.int().meta({ description: 'Jobs that are due later.' }),
    running: z.int(),
    oldestDueSeconds: z.number().nullable().meta({ description: 'Of the startable job that waits longest.' }),
    countedSecondsAgo: z.int().min(0).meta({
      description: 'How old these numbers are. Up to 10 000 jobs are counted each time, a million every 40 s.',
    }),
    sqsVisible: z
      .int()
      .nullable()
      .meta({ description: 'Doorbells, as SQS counts them; null when it cannot be reached.' }),
  })
  .meta({ id: 'Queue' })

export const queueLoad = z
  .object({
    projectId: id,
    projectName: z.string().nullable().meta({ description: 'Null: the jobs are Stint’s own.' }),
    ownerEmail: z.string().nullable().meta({ description: 'Whoever has owned the project for longest.' }),
    kind: z.string(),
    queued: z.int().meta({ description: 'Jobs that could start now.' }),
    delayed: z.int(),
    running: z.int(),
    oldestDueSeconds: z.number().nullable(),
  })
  .meta({ id: 'QueueLoad' })

export const queueReply = z.object({ queue })

type QueueView = z.input<typeof queue>

/** All queues as they stand, in the order of their declaration. */
export const viewQueues = async (app: App): Promise<QueueView[]> => {
  const [{ queues, countedSecondsAgo }, visible] = await Promise.all([
    readDepths(app),
    Promise.all(QUEUES.map((name) => countVisible(app, name))),
  ])
  return QUEUES.flatMap((name, index) => {
    const depth = queues.find((it) => it.name === name)
    if (!depth) return []
    const { pausedAt, queued, delayed, running, oldestDueSeconds } = depth
    const counts = { queued, delayed, running, oldestDueSeconds, countedSecondsAgo }
    return [{ name, paused: pausedAt !== null, ...counts, sqsVisible: visible[index] ?? null }]
  })
}

export const viewQueue = async (app: App, name: QueueName): Promise<QueueView> => {
  const found = (await viewQueues(app)).find((it) => it.name === name)
  if (!found) throw new StintError('INTERNAL', `The table queues has no row ${name}.`)
  return found
}

/** Null if SQS doesn't answer: all else is counted from rows, so a queue can be shown while SQS is down. */
const countVisible = (app: App, name: QueueName): Promise<number | null> =>
  app.queue.visible(name).catch((error: unknown) => {
    app.log.warn({ err: error, queue: name }, 'doorbells could not be counted')
    return null
  })
