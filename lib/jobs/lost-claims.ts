import * as claims from '../../db/queries/claims.ts'
import * as leases from '../../db/queries/leases.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import { isRecent } from '../core/clock.ts'
import { type ClaimWish, isSuspect } from './claim-wish.ts'

// When a connection breaks between the commit of a claim and its answer, its jobs run in the table and nowhere else. The
// process finds them there as jobs of its own that it was never told of. Otherwise they would wait until their leases are
// over, and each would count as a crash.

/** The stint of each job that a process was told it claimed, until what became of it is written, or it is fenced off. */
const told = mapByOwner<App, number>()

/** When the answer of a claim was lost, while its jobs may still be unknown. */
const lostAt = new WeakMap<App, number>()

/** How long PostgreSQL may take to notice that nobody waits for a claim any more, and commit it all the same. */
const COMMITTED_WITHIN_MS = 5_000

/** Of these jobs their process knows. */
export const noteTold = (app: App, jobs: readonly { id: string; stint: number }[]): void => {
  const stints = told(app)
  for (const { id, stint } of jobs) stints.set(id, stint)
}

/** These stints are over: in the table too, or another one holds the job. */
export const forgetTold = (app: App, stints: readonly { id: string; stint: number }[]): void => {
  const known = told(app)
  for (const { id, stint } of stints) if (known.get(id) === stint) known.delete(id)
}

/** A claim has no answer. It may have been committed, or be so in a moment. */
export const noteLost = (app: App): void => void lostAt.set(app, app.clock.now())

type Wanted = Required<Pick<ClaimWish, 'limit' | 'bytes' | 'free' | 'suspects'>>

/**
 * Takes up jobs whose claim's answer was lost, as far as there is room for them, if there may be any. Their leases begin
 * anew.
 */
export const takeUpLost = async (app: App, wish: Wanted): Promise<claims.ClaimedJob[]> => {
  const lost = lostAt.get(app)
  if (lost === undefined) return []
  const known = [...told(app)].map(([id, stint]) => ({ id, stint }))
  const found = await claims.listUntold(app.sql, app.instance, leases.heldOf(known))
  const fitting = withinRoom(found, wish)
  const kept = new Set(await leases.extend(app.sql, leases.heldOf(fitting), app.config.engine.leaseSeconds))
  // Not before a look that came so late that nothing can be committed after it.
  const mayBeMore = fitting.length < found.length || isRecent(app.clock, lost, COMMITTED_WITHIN_MS)
  if (!mayBeMore && lostAt.get(app) === lost) lostAt.delete(app)
  const taken = fitting.filter(({ id }) => kept.has(id))
  noteTold(app, taken)
  if (taken.length > 0) app.log.info({ jobs: taken.length }, 'the answer of a claim was lost; its jobs are taken up')
  return taken
}

/** Those of the jobs that there is room for. A suspect is taken alone. */
const withinRoom = (
  jobs: readonly claims.ClaimedJob[],
  { limit, bytes, free, suspects }: Wanted,
): claims.ClaimedJob[] => {
  const suspect = suspects === 'never' ? undefined : jobs.find(isSuspect)
  if (suspect) return [suspect]
  const slots = new Map(free.map((it) => [it.kind.kind, it.slots]))
  const fitting: claims.ClaimedJob[] = []
  let room = bytes
  for (const job of jobs) {
    const left = slots.get(job.kind) ?? 0
    if (isSuspect(job) || left <= 0 || room <= 0 || fitting.length >= limit) continue
    slots.set(job.kind, left - 1)
    room -= job.bytes
    fitting.push(job)
  }
  return fitting
}
