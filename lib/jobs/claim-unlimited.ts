import * as claims from '../../db/queries/claims.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import { firstIdAt } from '../core/ids.ts'
import type { QueueName } from '../queue/doorbells.ts'
import { bytesOf, type ClaimWish, type Room } from './claim-wish.ts'

// Claims jobs that were submitted without limits, round-robin over the projects: each process remembers the project that it
// served last, and begins its next claim after it. Memory is bounded by an estimate of how large a queue's jobs are.

/** What each statement of a claim asks for. */
type Request = Omit<claims.ClaimRequest, 'suspectFirst' | 'after' | 'roundFrom'>

export const claimUnlimited = async (
  app: App,
  queue: QueueName,
  free: ClaimWish['free'],
  room: Room,
  suspects: ClaimWish['suspects'],
  singlePass: boolean,
): Promise<claims.ClaimedJob[]> => {
  const request: Request = {
    queue,
    limit: fewerIfLarge(app, queue, room),
    bytes: room.bytes,
    kinds: free.map(({ kind }) => kind.kind),
    slots: free.map(({ slots }) => slots),
    worker: app.instance,
    leaseSeconds: app.config.engine.leaseSeconds,
  }
  const jobs = await claimWithSuspects(app, request, suspects, singlePass)
  noteSize(app, queue, jobs)
  return jobs
}

/** About how many bytes a job of each queue took, by the last claims. */
const usualBytes = mapByOwner<App, number>()

/**
 * Asks for fewer jobs if they are large. A claim that finds more bytes than it may take keeps the oldest jobs, whatever their
 * projects; projects only take turns fairly in what was asked for.
 */
const fewerIfLarge = (app: App, queue: QueueName, room: Room): number =>
  Math.min(room.jobs, Math.max(1, Math.floor(room.bytes / (usualBytes(app).get(queue) || 1))))

/** Notes what jobs took. After a claim of small jobs the estimate at most halves: large ones may follow. */
const noteSize = (app: App, queue: QueueName, jobs: readonly claims.ClaimedJob[]): void => {
  if (jobs.length === 0) return
  const usual = usualBytes(app)
  usual.set(queue, Math.max(bytesOf(jobs) / jobs.length, (usual.get(queue) ?? 0) / 2))
}

/**
 * Suspects and other jobs take turns. If machines died twice with hundreds of jobs, these are all suspects and run one by
 * one; the jobs behind them must not wait until all are done, nor may each suspect need an invocation of its own.
 */
const claimWithSuspects = async (
  app: App,
  request: Request,
  suspects: ClaimWish['suspects'],
  singlePass: boolean,
): Promise<claims.ClaimedJob[]> => {
  const suspectFirst = suspects === 'first' || (suspects === 'either' && app.random() < 0.5)
  const found = await claimRoundRobin(app, { ...request, suspectFirst }, singlePass)
  if (found.length > 0 || suspects === 'never' || suspectFirst) return found
  // Each pass finds a suspect, whatever projects it gets to.
  return claimRoundRobin(app, { ...request, suspectFirst: true }, true)
}

/** How often a claim asks, at most, if others were quicker each time. */
const MAX_TRIES = 3

/**
 * Asks again in two cases:
 * - Others took what it found. Of two claims at once, that of the second doorbell may take the first job. That of the first
 *   began before there was a second job and finds nothing; if it didn't ask again, the second job would wait for the sweep.
 * - It stopped before it got to every project, since there are too many of which nothing is due. It goes on from there until
 *   all had their turn once, unless a single pass is enough.
 */
const claimRoundRobin = async (
  app: App,
  request: Omit<claims.ClaimRequest, 'after' | 'roundFrom'>,
  singlePass: boolean,
): Promise<claims.ClaimedJob[]> => {
  const served = lastServed(app)
  let after = served.get(request.queue) ?? anyProject(app)
  let roundFrom = after
  for (let misses = 0; ; ) {
    const { jobs, reached, missed, cutShort } = await claims.claim(app.sql, { ...request, after, roundFrom })
    served.set(request.queue, reached)
    if (missed && ++misses < MAX_TRIES) roundFrom = reached
    else if (jobs.length > 0 || missed || singlePass || !cutShort || reached === roundFrom) return jobs
    after = reached
  }
}

/** By queue, the project that had its turn last: the next claim begins with the one after it. */
const lastServed = mapByOwner<App, string>()

const YEAR_MS = 365 * 24 * 3_600 * 1_000

/**
 * Where a process begins its first round: at a random moment of the last year, in the order of the projects' ids, which as
 * UUIDv7 is that of their creation.
 */
const anyProject = ({ clock, random }: App): string => firstIdAt(clock.now() - random() * YEAR_MS)
