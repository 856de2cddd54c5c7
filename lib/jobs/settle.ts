import type { TransactionSql } from 'postgres'
import { retryConflicts, transaction } from '../../db/client.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import * as outcomes from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import { hasEnded } from './states.ts'

/**
 * Settles the jobs that nothing runs after, nearly all, by one statement: a simpler one when all of them returned a
 * result.
 * @returns the jobs that ended or were queued again, and the outcomes of those that others run after: they are left
 * alone, for {@link settleParents}
 */
export const settlePlain = async (
  app: App,
  batch: outcomes.Outcome[],
): Promise<{ settled: outcomes.Settled[]; parents: outcomes.Outcome[] }> => {
  const allReturned = batch.every(({ ending }) => ending === 'returned')
  const rows = await retryConflicts(() =>
    allReturned ? outcomes.finish(app.sql, batch) : outcomes.settle(app.sql, batch, 'without parents'),
  )
  const leftAlone = new Set(rows.filter((job) => job.state === 'running').map((job) => job.id))
  if (leftAlone.size === 0) return { settled: rows, parents: [] }
  return {
    settled: rows.filter((job) => !leftAlone.has(job.id)),
    parents: batch.filter((outcome) => leftAlone.has(outcome.id)),
  }
}

/**
 * Settles jobs that others run after, in one transaction with the edges to those.
 * @returns every job that changed its state: also children that came free
 */
export const settleParents = (app: App, parents: outcomes.Outcome[]): Promise<outcomes.Settled[]> =>
  transaction(app.sql, (tx) => settleWithChildren(app, tx, parents))

/** Settles jobs and, in the same transaction, counts their ends at their children. */
export const settleWithChildren = async (
  app: App,
  tx: TransactionSql,
  batch: outcomes.Outcome[],
): Promise<outcomes.Settled[]> => {
  const settled = await outcomes.settle(tx, batch, 'with parents')
  return [...settled, ...(await settleChildren(app, tx, settled))]
}

/**
 * The most edges that one transaction settles (and jobs that fall with others in it): about half a second's worth. A longer
 * one could outlast the function that runs it, and would be rolled back each time it is tried.
 */
export const MAX_EDGES = 5_000

/**
 * Tells the children of ended jobs that they have one parent less to wait for. At most `most` edges are counted; parents
 * that have more are noted, {@link countEnds} goes on with them, and until then their children wait as before.
 *
 * A child may end together with its parents ("fall"), and then its own children are told too. It calls itself for jobs that
 * fell unexpectedly: they got children while it waited for a lock.
 * @returns every job that changed its state
 */
export const settleChildren = async (
  app: App,
  tx: TransactionSql,
  ended: Pick<outcomes.Settled, 'id' | 'state' | 'hasChildren'>[],
  most = app.edgesAtOnce ?? MAX_EDGES,
): Promise<outcomes.Settled[]> => {
  const parents = ended.filter((job) => job.hasChildren && hasEnded(job.state))
  if (parents.length === 0) return []
  const ids = parents.map((job) => job.id)
  const falling = parents.some((job) => job.state !== 'succeeded') ? await lockFalling(tx, ids, most) : []
  const { changed, edges } = await dependencies.settle(tx, ids, falling, most)
  const fell = new Set(falling)
  const unexpected = changed.filter((job) => !fell.has(job.id))
  if (edges < most) return [...changed, ...(await settleChildren(app, tx, unexpected, most - edges))]
  const more = unexpected.filter((job) => job.hasChildren && hasEnded(job.state))
  await dependencies.noteUncounted(tx, [...ids, ...falling, ...more.map((job) => job.id)])
  return changed
}

/**
 * Locks the jobs that fall with their parents and have children themselves. A job that is retried while this waits for a lock
 * may fall too, and others with it: so it looks until it finds no more.
 */
const lockFalling = async (tx: TransactionSql, parentIds: string[], most: number): Promise<string[]> => {
  const locked = new Set<string>()
  for (;;) {
    const falling = await dependencies.lockFalling(tx, parentIds, most)
    if (falling.every((id) => locked.has(id))) return falling
    for (const id of falling) locked.add(id)
  }
}

/** Jobs with uncounted ends that one transaction goes on with. */
const BATCH = 500

/**
 * Counts the ends of jobs with very many children at those that are left, one part.
 * @returns the jobs that changed their state, and whether there may be more to count
 */
export const countEnds = (app: App): Promise<{ changed: outcomes.Settled[]; more: boolean }> =>
  transaction(app.sql, async (tx) => {
    const parents = await dependencies.lockUncounted(tx, BATCH)
    if (parents.length === 0) return { changed: [], more: false }
    const changed = await settleChildren(app, tx, parents)
    await dependencies.forgetCounted(
      tx,
      parents.map((job) => job.id),
    )
    return { changed, more: true }
  })
