import { isRefusal, isUnavailable } from '../../db/client.ts'
import type * as outcomes from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import { inParts } from '../core/in-parts.ts'
import { countSettled } from '../metrics/jobs.ts'
import { ringFor, startableAfter } from '../queue/ring.ts'
import { forgetTold } from './lost-claims.ts'
import { settleParents, settlePlain } from './settle.ts'

/** Outcomes that are written together: at most this many, with this many characters of JSON. */
const BATCH = 500
const MAX_SIZE = 16 * 1024 * 1024

/** Between two tries to write what could not be written: the first pause, and, doubled each time, the longest. */
const PAUSE_MS = 200
const MAX_PAUSE_MS = 3_200

const REFUSED = 'OUTCOME_REFUSED'

export interface Finisher {
  /** Hands in an outcome; it is written with the others that come meanwhile. */
  add(outcome: outcomes.Outcome): void
  /** What was handed in and is not written yet. */
  readonly unwritten: ReadonlySet<outcomes.Outcome>
  /** Resolves when everything handed in is written. @throws what kept the rest from it until the time was over */
  idle(): Promise<void>
}

/** An outcome that could not be written, and why. */
interface Unwritten {
  outcome: outcomes.Outcome
  error: unknown
}

/**
 * Writes outcomes in batches. One write is under way at a time, and outcomes that come meanwhile go into the next, so that a
 * single job doesn't wait and thousands share their round trips. An outcome that can't be written waits, whatever the
 * reason: if it were lost, the work would be done again.
 */
export const createFinisher = (app: App, hasTime: () => boolean): Finisher => {
  const waiting: outcomes.Outcome[] = []
  const unwritten = new Set<outcomes.Outcome>()
  let writing: Promise<void> | undefined

  /** Writes what waits by now, and puts back what can't be written. @returns the first reason, and whether all failed */
  const writeRound = async (): Promise<{ error: unknown; all: boolean } | undefined> => {
    const failed: Unwritten[] = []
    const round = waiting.splice(0)
    for (const batch of inParts(round, { most: BATCH, maxSize: MAX_SIZE, sizeOf })) {
      const { returned = [], others = [] } = Object.groupBy(batch, ({ ending }) =>
        ending === 'returned' ? 'returned' : 'others',
      )
      failed.push(...(await Promise.all([write(app, returned), write(app, others)])).flat())
    }
    const [first] = failed
    const left = new Set(failed.map(({ outcome }) => outcome))
    const written = first ? round.filter((outcome) => !left.has(outcome)) : round
    for (const outcome of written) unwritten.delete(outcome)
    forgetTold(app, written)
    if (!first) return undefined
    waiting.push(...left)
    app.log.warn({ err: first.error, outcomes: failed.length }, 'outcomes could not be written; they wait')
    return { error: first.error, all: failed.length === round.length }
  }

  const writeAll = async (): Promise<void> => {
    let pauseMs = PAUSE_MS
    try {
      while (waiting.length > 0) {
        const failed = await writeRound()
        // While others can be written, new ones must not wait long behind those that can't.
        if (!failed?.all) pauseMs = PAUSE_MS
        if (!failed) continue
        if (!hasTime()) throw failed.error
        for (let slept = 0; slept < pauseMs && hasTime(); slept += PAUSE_MS) {
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        }
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
      }
    } finally {
      writing = undefined
    }
  }

  const keepWriting = (): Promise<void> => {
    writing ??= Promise.resolve().then(writeAll)
    return writing
  }

  return {
    unwritten,
    add: (outcome) => {
      waiting.push(outcome)
      unwritten.add(outcome)
      // The error was logged, and its outcomes still wait: idle() tries once more, and throws.
      keepWriting().catch(() => {})
    },
    idle: async () => {
      while (writing || waiting.length > 0) await keepWriting()
    },
  }
}

const sizeOf = ({ result = '', partial = '', checkpoint = '' }: outcomes.Outcome): number =>
  result.length + partial.length + checkpoint.length

/** Writes outcomes and tells of what they changed. @returns those that could not be written */
const write = async (app: App, batch: outcomes.Outcome[]): Promise<Unwritten[]> => {
  if (batch.length === 0) return []
  let left = batch
  try {
    const { settled, parents } = await settlePlain(app, batch)
    left = parents
    await tell(app, settled, batch.length - parents.length)
    if (parents.length > 0) await tell(app, await settleParents(app, parents), parents.length)
    return []
  } catch (error) {
    if (isUnavailable(error)) return left.map((outcome) => ({ outcome, error }))
    return writeEach(app, left, error)
  }
}

/** Writes each outcome alone, so that one that can't be written doesn't keep the others from it. */
const writeEach = async (app: App, batch: outcomes.Outcome[], error: unknown): Promise<Unwritten[]> => {
  const [outcome] = batch
  if (!outcome || batch.length > 1) {
    app.log.warn({ err: error, outcomes: batch.length }, 'outcomes could not be written together')
    return (await Promise.all(batch.map((it) => write(app, [it])))).flat()
  }
  if (!isRefusal(error) || outcome.error?.code === REFUSED) return [{ outcome, error }]
  app.log.error({ err: error, job: outcome.id }, 'an outcome was refused')
  const { id, stint, runMs } = outcome
  const message = `the database refused the outcome: ${(error as Error).message}`
  const unwritten = await write(app, [{ id, stint, runMs, ending: 'refused', error: { code: REFUSED, message } }])
  return unwritten.map((it) => ({ ...it, outcome }))
}

/** Counts settled jobs and rings for what may start now. Of the outcomes handed in, those not settled were fenced off. */
const tell = async (app: App, settled: outcomes.Settled[], handedIn: number): Promise<void> => {
  if (handedIn === 0) return
  app.committed()
  countSettled(app.metrics, settled)
  const fenced = handedIn - settled.filter(({ ending }) => ending).length
  if (fenced > 0) {
    app.metrics.count('stint_stints_fenced_total', {}, fenced)
    app.log.info({ fenced }, 'outcomes from behind the fence were not written')
  }
  await ringFor(app, startableAfter(settled))
}
