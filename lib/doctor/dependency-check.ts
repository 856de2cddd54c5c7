import { transaction } from '../../db/client.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import * as repairs from '../../db/queries/repairs.ts'
import * as symptoms from '../../db/queries/symptoms.ts'
import type { App } from '../app.ts'
import { settleChildren } from '../jobs/settle.ts'
import { countEndsLeft } from '../jobs/sweep.ts'
import { ringFor, type Startable } from '../queue/ring.ts'
import { type Check, plural } from './check.ts'

const BATCH = 1_000
const MAX_COUNTED = 10_000

/** The sweep counts the end of a job at a million others in minutes. */
const UNCOUNTED_SECONDS = 300

export const uncountedEnds: Check = {
  name: 'ends',
  look: async ({ app }) => {
    const count = await symptoms.countUncounted(app.sql, UNCOUNTED_SECONDS, MAX_COUNTED)
    if (count === 0) return []
    return [
      {
        what:
          `${plural(count, 'job')} that ended over ${UNCOUNTED_SECONDS / 60} minutes ago, and not all that run after ` +
          'them were told',
        remedy: 'the sweep goes on with them when it runs; its log says what keeps it from that',
      },
    ]
  },
  fix: async ({ app }) => {
    await countEndsLeft(app)
    return 'told all that run after them'
  },
}

export const stuckDependencies: Check = {
  name: 'dependencies',
  look: async ({ app }) => {
    const stuck = await symptoms.listStuck(app.sql, BATCH)
    const [first] = stuck
    if (!first) return []
    const uncounted = stuck.filter((it) => it.settleable > 0).length
    return [
      {
        what:
          `${plural(stuck.length, 'blocked job')} that nobody will free (${uncounted} of them wait for jobs that have ` +
          `ended); the first is ${first.id}: it waits for ${first.waitsFor}, and has ${plural(first.open, 'open edge')}`,
        remedy: 'nothing by itself: the edges are to be settled and the jobs counted anew',
      },
    ]
  },
  fix: async ({ app }) => {
    let freed = 0
    let repaired = 0
    for (;;) {
      const stuck = (await symptoms.listStuck(app.sql, BATCH)).map((it) => it.id)
      if (stuck.length > 0) freed += await free(app, stuck)
      repaired += stuck.length
      if (stuck.length < BATCH) break
    }
    return `counted ${plural(repaired, 'blocked job')} anew, of which ${freed} came free`
  },
}

/** Settles what has ended, then counts what is left. @returns how many can start now */
const free = async (app: App, childIds: string[]): Promise<number> => {
  const startable = await transaction(app.sql, async (tx): Promise<Startable[]> => {
    const ended = await dependencies.lockParents(tx, await repairs.listUncountedParents(tx, childIds))
    const settled = await settleChildren(
      app,
      tx,
      ended.map((parent) => ({ ...parent, hasChildren: true })),
    )
    await repairs.lockBlocked(tx, childIds)
    await repairs.dropDangling(tx, childIds)
    return [...settled.filter((job) => job.state === 'queued'), ...(await repairs.recount(tx, childIds))]
  })
  app.committed()
  await ringFor(app, startable)
  return startable.length
}
