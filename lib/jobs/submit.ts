import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isUnreachable, transaction } from '../../db/client.ts'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { limitConcurrency } from '../core/limit-concurrency.ts'
import { countFinished, countSubmitted } from '../metrics/jobs.ts'
import { ringFor } from '../queue/ring.ts'
import type { Prepared } from './prepare.ts'
import { delayOf, insert, type Stored, type Submitted, type Submitter, store } from './store.ts'

/** From this many jobs on, an insert takes long enough to let others go first. */
const LARGE = 1_000

/**
 * Runs large inserts, no more at once than there are processors, and on half of the connections at most. More of them would
 * only wait for each other, since the table is extended under a lock, and everybody else for a connection.
 */
const inTurn = memoizeByOwner(({ config }: App) =>
  limitConcurrency(Math.max(1, Math.min(availableParallelism(), Math.floor(config.database.maxConnections / 2)))),
)

/**
 * Stores prepared jobs, all or nothing, and rings for them. When SQS is away they are accepted all the same: the sweep
 * rings later. Jobs that need no key and no parent and don't expire, nearly all, are one statement; the others are one
 * transaction.
 *
 * @param by the stint that submits them, if a job does
 * @throws {StintError} IDEMPOTENCY_KEY_REUSED, VALIDATION_FAILED (a parent that isn't there, an expiry before the start)
 * @throws {FencedError} when the stint no longer holds its job: then nothing is stored
 */
export const submit = async (app: App, prepared: Prepared[], by?: Submitter): Promise<Submitted[]> => {
  const special = by || prepared.some((it) => it.idempotency || it.unique || it.after.length > 0 || expires(it))
  const work = () => (special ? transaction(app.sql, (tx) => store(app, tx, prepared, by)) : storePlain(app, prepared))
  const { submitted, startable, changed } = await whileUnreachable(app, () =>
    prepared.length >= LARGE ? inTurn(app)(work) : work(),
  )
  app.committed()
  countSubmitted(
    app.metrics,
    prepared.filter((_, i) => submitted[i]?.outcome === 'made').map((it) => it.row),
  )
  countFinished(app.metrics, changed)
  await ringFor(app, startable)
  return submitted
}

const expires = ({ row }: Prepared): boolean => row.expiresInSeconds !== null || row.expiresAt !== null

const storePlain = async (app: App, prepared: Prepared[]): Promise<Stored> => {
  const { times } = await insert(app.sql, prepared)
  const submitted = prepared.map(({ row: { id } }): Submitted => {
    const queued = times.get(id)
    return { jobId: id, outcome: 'made', ...(queued && { queued }) }
  })
  const startable = prepared.flatMap(({ row }) => {
    const queued = times.get(row.id)
    return queued ? [{ queue: row.queue, delayMs: delayOf(queued) }] : []
  })
  return { submitted, startable, changed: [] }
}

const TRIES = 4
const PAUSE_MS = 250

/**
 * Tries again when the connection broke. If the commit succeeded and only its answer was lost, that does no harm: the ids
 * were made here, and each is inserted once at most.
 */
const whileUnreachable = async <T>(app: App, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === TRIES || !isUnreachable(error)) throw error
      app.log.warn({ err: error, attempt }, 'Postgres cannot be reached; the submission is tried again')
      await sleep(PAUSE_MS * attempt)
    }
  }
}
