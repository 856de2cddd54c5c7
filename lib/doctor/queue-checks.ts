import * as queues from '../../db/queries/queues.ts'
import * as symptoms from '../../db/queries/symptoms.ts'
import { byQueue, endLostLeases } from '../jobs/sweep.ts'
import { readDepths } from '../queue/depths.ts'
import type { QueueName, Ring } from '../queue/doorbells.ts'
import { CLAIMS_PER_DOORBELL } from '../queue/ring.ts'
import { type Check, type Patient, plural } from './check.ts'

/** The sweep rings after 2 s: what lies still for longer, it doesn't see. */
const OVERDUE_SECONDS = 10

/** After its end a lease is found by the sweep within a second. */
const LOST_SECONDS = 5

const MAX_COUNTED = 10_000

const MAX_DOORBELLS = 10

/** Queues with startable jobs for which SQS has no message. */
const listSilent = async ({ app, kinds }: Patient): Promise<{ queue: QueueName; startable: number }[]> => {
  const found = await queues.listOverdue(app.sql, OVERDUE_SECONDS, MAX_COUNTED)
  const overdue = found.overdue.filter((it) => !it.othersRun)
  const silent = await Promise.all(
    [...byQueue(overdue, kinds)].map(async ([queue, rows]) => {
      const startable = rows.reduce((sum, row) => sum + row.startable, 0)
      return (await app.queue.visible(queue)) > 0 ? [] : [{ queue, startable }]
    }),
  )
  return silent.flat()
}

export const doorbells: Check = {
  name: 'doorbells',
  look: async (patient) =>
    (await listSilent(patient)).map(({ queue, startable }) => ({
      what: `${plural(startable, 'job')} of the queue ${queue} could have started for over ${OVERDUE_SECONDS} s, and no doorbell is waiting`,
      remedy: 'the sweep rings again when it runs',
    })),
  fix: async (patient) => {
    const rings = (await listSilent(patient)).flatMap(({ queue, startable }): Ring[] => {
      const n = CLAIMS_PER_DOORBELL[queue]
      return Array.from({ length: Math.min(MAX_DOORBELLS, Math.ceil(startable / n)) }, () => ({ queue, n }))
    })
    await patient.app.queue.ring(rings)
    return `rang ${plural(rings.length, 'doorbell')}`
  },
}

export const leases: Check = {
  name: 'leases',
  look: async ({ app }) => {
    const count = await symptoms.countLostLeases(app.sql, LOST_SECONDS, MAX_COUNTED)
    if (count === 0) return []
    return [
      {
        what: `${plural(count, 'running job')} lost the lease over ${LOST_SECONDS} s ago`,
        remedy: 'the sweep ends lost leases when it runs, and the jobs go on',
      },
    ]
  },
  fix: async ({ app }) => `ended ${plural(await endLostLeases(app), 'lost lease')}`,
}

export const pausedQueues: Check = {
  name: 'paused queues',
  look: async ({ app }) =>
    (await readDepths(app)).queues.flatMap(({ name, pausedAt, queued }) =>
      pausedAt && queued > 0
        ? [
            {
              what: `the queue ${name} has been paused since ${pausedAt.toISOString()}, and ${plural(queued, 'job')} could start`,
              remedy: `POST /queues/${name}/resume, when it was paused for long enough`,
            },
          ]
        : [],
    ),
}

export const unknownKinds: Check = {
  name: 'kinds',
  look: async ({ app, kinds }) => {
    const unknown = await symptoms.listUnknownKinds(
      app.sql,
      kinds.map((it) => it.kind),
    )
    return unknown.map(({ kind, jobs }) => ({
      what: `${plural(jobs, 'queued job')} of the kind ${kind}, which is not declared: no worker takes them`,
      remedy: 'deploy the kind again, or cancel the jobs',
    }))
  },
}
