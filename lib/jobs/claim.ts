import { isUnreachable } from '../../db/client.ts'
import type { ClaimedJob } from '../../db/queries/claims.ts'
import type { App } from '../app.ts'
import { countClaimed } from '../metrics/jobs.ts'
import { claimLimited, isCheckDue, listDue, mayBeDue } from './claim-limited.ts'
import { claimUnlimited } from './claim-unlimited.ts'
import { bytesOf, type ClaimWish, isSuspect, MAX_HELD_BYTES, type Room } from './claim-wish.ts'
import { noteLost, noteTold, takeUpLost } from './lost-claims.ts'

// Claiming is how a worker gets jobs: it leases some that are due, in the statement that makes them `running`. There are two
// ways, which share one claim's room: one statement for the jobs without limits, and a transaction for each kind with some.

/**
 * Leases jobs that start now, and takes up those that this process has leased without knowing it. Jobs of kinds without
 * limits, nearly all, are claimed by one statement. Each kind with limits has a transaction that first locks the kind's row,
 * so that its running jobs can be counted. Kinds with limits go first if some of their jobs were due at the last check; if none
 * were, the next check is made beside the claim, which doesn't wait.
 *
 * The one statement goes by the rows, and not by what the kinds say now: a job that waited while a deploy moved its kind to
 * another queue, or gave it limits, starts as it was submitted.
 */
export const claim = async (app: App, wish: ClaimWish): Promise<ClaimedJob[]> => {
  const bounded = { bytes: MAX_HELD_BYTES, ...wish }
  const lost = await takeUpLost(app, bounded)
  const jobs = lost.length > 0 ? lost : await claimDue(app, bounded)
  if (jobs.length > 0) app.committed()
  countClaimed(app.metrics, wish.queue, jobs)
  return jobs
}

const claimDue = async (
  app: App,
  { queue, limit, bytes, free, suspects, singlePass = false }: ClaimWish & { bytes: number },
): Promise<ClaimedJob[]> => {
  // Including kinds that no longer have limits: jobs submitted while they had some can only start this way.
  const limited = free.filter(({ kind }) => kind.queue === queue)
  const jobs: ClaimedJob[] = []
  /** Claims by one of the two ways, as far as the other has left room. Jobs that are claimed by now must run, whatever fails. */
  const take = async (
    wanted: ClaimWish['free'],
    claimSome: (open: ClaimWish['free'], room: Room, suspects: ClaimWish['suspects']) => Promise<ClaimedJob[]>,
  ): Promise<void> => {
    const open = stillFree(wanted, jobs)
    const room = { jobs: limit - jobs.length, bytes: bytes - bytesOf(jobs) }
    if (open.length === 0 || room.jobs <= 0 || room.bytes <= 0 || jobs.some(isSuspect)) return
    const allowed = jobs.length === 0 ? suspects : 'never'
    try {
      const claimed = await claimSome(open, room, allowed)
      noteTold(app, claimed)
      jobs.push(...claimed)
    } catch (error) {
      if (isUnreachable(error)) {
        noteLost(app)
        jobs.push(...(await tryToTakeUp(app, { limit: room.jobs, bytes: room.bytes, free: open, suspects: allowed })))
      }
      if (jobs.length === 0) throw error
      app.log.warn({ err: error, queue, claimed: jobs.length }, 'no more jobs could be claimed; these run')
    }
  }
  const takeUnlimited = () =>
    take(free, (open, room, allowed) => claimUnlimited(app, queue, open, room, allowed, singlePass))
  const takeLimited = (due: ClaimWish['free']) =>
    take(due, (open, room, allowed) => claimLimited(app, queue, open, room, allowed))

  if (mayBeDue(app)) {
    await takeLimited(await listDue(app, limited))
    await takeUnlimited()
  } else {
    const check = () =>
      listDue(app, limited).catch((error) => {
        app.log.warn({ err: error, queue }, 'jobs of kinds with limits could not be looked for')
        return []
      })
    // When one job is rung for, the check is skipped, unless that job isn't there or the last check was too long ago.
    const checking = limit > 1 || isCheckDue(app) ? check() : undefined
    await takeUnlimited()
    if (checking || jobs.length === 0) await takeLimited(await (checking ?? check()))
  }
  return jobs
}

/** The connection may be one of several that broke: then the next claim looks again. */
const tryToTakeUp = (...[app, room]: Parameters<typeof takeUpLost>): Promise<ClaimedJob[]> =>
  takeUpLost(app, room).catch((error) => {
    app.log.warn({ err: error }, 'the jobs of a claim whose answer was lost cannot be looked for yet')
    return []
  })

/** What is left of the slots when some jobs have been claimed. */
const stillFree = (free: ClaimWish['free'], claimed: readonly ClaimedJob[]): ClaimWish['free'] => {
  if (claimed.length === 0) return free
  const taken = Map.groupBy(claimed, (job) => job.kind)
  return free
    .map(({ kind, slots }) => ({ kind, slots: slots - (taken.get(kind.kind)?.length ?? 0) }))
    .filter(({ slots }) => slots > 0)
}
