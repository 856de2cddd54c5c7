import type { TransactionSql } from 'postgres'
import { type Alongside, transaction } from '../../db/client.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import * as idempotencyKeys from '../../db/queries/idempotency-keys.ts'
import * as retries from '../../db/queries/retries.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { ringFor } from '../queue/ring.ts'
import { takeKeysAgain } from './keys-again.ts'
import { MAX_EDGES } from './settle.ts'
import { hasEnded } from './states.ts'

/** Jobs without their key are counted up to here. */
const MAX_COUNTED = 10_000

/**
 * Retries a failed or cancelled job, from its checkpoint unless told otherwise. It takes its unique key again, and waits for
 * parents that were retried and have not ended yet. Jobs after it that still wait, wait for it again; those that have ended
 * stay as they are.
 * @throws {StintError} JOB_NOT_FOUND, JOB_NOT_ENDED, JOB_SUCCEEDED, UNIQUE_KEY_TAKEN
 */
export const retryJob = async (
  app: App,
  id: string,
  options: { fromStart: boolean },
  alongside?: Alongside,
): Promise<void> => {
  await reopenAhead(app, [id])
  const begun = await transaction(app.sql, async (tx) => {
    const [job] = await retries.list(tx, [id])
    if (!job) throw new StintError('JOB_NOT_FOUND')
    refuseUnlessRetryable(job)
    const [holder] = (await takeKeysAgain(tx, [job])).values()
    if (holder) throw new StintError('UNIQUE_KEY_TAKEN', `The job ${holder} has the unique key ${job.uniqueKey}.`)
    const [locked] = await lockAll(tx, [job])
    // It may have been removed a moment ago.
    if (!locked) throw new StintError('JOB_NOT_FOUND')
    refuseUnlessRetryable(locked)
    const begun = await begin(tx, [{ id, afterSeconds: 0 }], { ...options, reason: 'retried' })
    await alongside?.(tx)
    return begun
  })
  await announce(app, begun)
}

/**
 * Like {@link retryJob}, for many at once. Jobs that neither failed nor were cancelled are left as they are, and so are those
 * whose unique key another job has.
 * @returns how many were retried
 */
export const retryJobs = async (
  app: App,
  ids: string[],
  options: { fromStart: boolean },
  alongside?: Alongside<[begun: string[]]>,
): Promise<number> => {
  await reopenAhead(app, ids)
  const begun = await transaction(app.sql, async (tx) => {
    const chosen = (await retries.list(tx, ids)).filter(isRetryable)
    const held = await takeKeysAgain(tx, chosen)
    const own = chosen.filter((job) => !held.has(job.id))
    const locked = (await lockAll(tx, own)).filter(isRetryable)
    const atOnce = locked.map(({ id }) => ({ id, afterSeconds: 0 }))
    const begun = await begin(tx, atOnce, { ...options, reason: 'retried' })
    if (atOnce.length > 0) {
      await alongside?.(
        tx,
        atOnce.map(({ id }) => id),
      )
    }
    return begun
  })
  await announce(app, begun)
  return begun.length
}

export interface Redrive {
  /** The person who asks: a filter that few of very many failed jobs fit takes seconds, and they wait for their turn. */
  askedBy: string
  limit: number
  perSecond: number | undefined
}

/**
 * Retries failed jobs of a queue, from their checkpoints, and spreads their starts by `perSecond`.
 * @returns how many, and how many it left alone on the way because another job has their unique key
 * @throws {StintError} RATE_LIMITED
 */
export const redriveJobs = async (
  app: App,
  filter: retries.RedriveFilter,
  { askedBy, limit, perSecond }: Redrive,
  alongside?: Alongside<[redriven: number]>,
): Promise<{ redriven: number; skipped: number }> => {
  const { chosen, without } = await app.scan(askedBy, async (sql) => {
    const chosen = await retries.listRedrivable(sql, filter, limit)
    // Jobs that failed after the last of them are for the next redrive.
    const last = chosen.length < limit ? undefined : chosen.at(-1)
    return { chosen, without: await retries.countWithoutKey(sql, filter, last?.id ?? null, MAX_COUNTED) }
  })
  await reopenAhead(
    app,
    chosen.map((job) => job.id),
  )
  const { begun, skipped } = await transaction(app.sql, async (tx) => {
    const held = await takeKeysAgain(tx, chosen)
    const own = chosen.filter((job) => !held.has(job.id))
    const failed = new Set((await lockAll(tx, own)).flatMap(({ id, state }) => (state === 'failed' ? [id] : [])))
    const inTurn = own
      .filter((job) => failed.has(job.id))
      .map(({ id }, nth) => ({ id, afterSeconds: perSecond ? nth / perSecond : 0 }))
    const begun = await begin(tx, inTurn, { fromStart: false, reason: 'redriven' })
    await alongside?.(tx, begun.length)
    return { begun, skipped: without + held.size }
  })
  await announce(app, begun)
  return { redriven: begun.length, skipped }
}

/** How long the sweep leaves edges alone that were opened for a retry. If the retry's process dies, it closes them then. */
const RETRY_WITHIN_SECONDS = 60

/**
 * Where a retry opens more edges again than one transaction should, all of them are opened before it, part by part: children
 * that wait for others then wait for these jobs as well, as if their ends had not been counted yet. If the process dies, the
 * next retry goes on with what is left, or the sweep counts the ends once more.
 */
const reopenAhead = async (app: App, ids: string[]): Promise<void> => {
  const most = app.edgesAtOnce ?? MAX_EDGES
  const children = await dependencies.listToReopen(app.sql, ids)
  if (children.length <= most) return
  for (let done = 0; done < children.length; done += most) {
    await transaction(app.sql, async (tx) => {
      const parents = (await retries.lock(tx, ids, [])).filter(isRetryable).map((job) => job.id)
      await dependencies.reopenPart(tx, parents, children.slice(done, done + most), RETRY_WITHIN_SECONDS)
    })
  }
}

const isRetryable = ({ state }: { state: retries.Ended['state'] }): boolean =>
  state === 'failed' || state === 'cancelled'

const refuseUnlessRetryable = ({ state }: { state: retries.Ended['state'] }): void => {
  if (!hasEnded(state)) throw new StintError('JOB_NOT_ENDED', `Its state is ${state}.`)
  if (state === 'succeeded') throw new StintError('JOB_SUCCEEDED')
}

const lockAll = (tx: TransactionSql, jobs: retries.Ended[]) =>
  retries.lock(
    tx,
    jobs.map((job) => job.id),
    jobs.filter((job) => job.hasParents).map((job) => job.id),
  )

const begin = async (tx: TransactionSql, ...[jobs, how]: Tail<Parameters<typeof retries.begin>>) => {
  const ids = jobs.map((job) => job.id)
  // Before the jobs' own events: the order of events then shows whether a child came free before its parent was retried.
  await dependencies.reopen(tx, ids)
  // Jobs that go on from their checkpoints keep the jobs that they submitted.
  if (how.fromStart) await idempotencyKeys.forget(tx, ids)
  return retries.begin(tx, jobs, how)
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never

const announce = async (app: App, begun: retries.Begun[]): Promise<void> => {
  if (begun.length > 0) app.committed()
  await ringFor(
    app,
    begun.filter((job) => job.state === 'queued'),
  )
}
