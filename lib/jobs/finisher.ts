import { isUnreachable } from '../../db/client.ts'
import type * as outcomes from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import { countSettled } from '../metrics/jobs.ts'
import { ringFor, startableAfter } from '../queue/ring.ts'
import { settleOutcomes } from './settle.ts'

const BATCH = 500

/** Between two tries while Postgres can't be reached. */
const PAUSE_MS = 200

export interface Finisher {
  /** Hands in an outcome; it is written with the others that come meanwhile. */
  add(outcome: outcomes.Outcome): void
  /** Resolves when everything handed in is written. @throws if Postgres stayed away until the time was over */
  idle(): Promise<void>
}

/**
 * Writes outcomes in batches: one write is under way at a time, and what comes meanwhile goes into the next, so that
 * one job alone doesn't wait and thousands share their round trips.
 */
export const createFinisher = (app: App, hasTime: () => boolean): Finisher => {
  const waiting: outcomes.Outcome[] = []
  let writing: Promise<void> | undefined

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      const { returned = [], others = [] } = Object.groupBy(batch, ({ ending }) =>
        ending === 'returned' ? 'returned' : 'others',
      )
      await Promise.all([returned, others].map((group) => settle(app, group, hasTime)))
    }
  }

  return {
    add: (outcome) => {
      waiting.push(outcome)
      writing ??= Promise.resolve()
        .then(writeAll)
        .finally(() => {
          writing = undefined
        })
      // A failure is met again, and thrown, by idle(); here it must only not be unhandled.
      writing.catch(() => {})
    },
    idle: async () => {
      while (writing) await writing
      if (waiting.length > 0) await writeAll()
    },
  }
}

const settle = async (app: App, batch: outcomes.Outcome[], hasTime: () => boolean): Promise<void> => {
  if (batch.length === 0) return
  const settled = await whileReachable(app, hasTime, () => settleOrSingleOut(app, batch))
  app.committed()
  countSettled(app.metrics, settled)
  const fenced = batch.length - settled.filter(({ ending }) => ending).length
  if (fenced > 0) {
    app.metrics.count('stint_stints_fenced_total', {}, fenced)
    app.log.info({ fenced }, 'outcomes from behind the fence were not written')
  }
  await ringFor(app, startableAfter(settled))
}

/** One outcome that the database refuses must not cost the others theirs: then each is written alone. */
const settleOrSingleOut = async (app: App, batch: outcomes.Outcome[]): Promise<outcomes.Settled[]> => {
  try {
    return await settleOutcomes(app, batch)
  } catch (error) {
    if (isUnreachable(error)) throw error
    app.log.error({ err: error, jobs: batch.length }, 'a batch of outcomes was refused')
    if (batch.length > 1) return (await Promise.all(batch.map((outcome) => settleOrSingleOut(app, [outcome])))).flat()
    const [outcome] = batch
    if (!outcome) return []
    const { id, stint, runMs } = outcome
    const message = `the database refused the outcome: ${(error as Error).message}`
    return settleOutcomes(app, [{ id, stint, runMs, ending: 'refused', error: { code: 'OUTCOME_REFUSED', message } }])
  }
}

const whileReachable = async <T>(app: App, hasTime: () => boolean, work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isUnreachable(error) || !hasTime()) throw error
      app.log.warn({ err: error }, 'Postgres cannot be reached; outcomes wait')
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}
