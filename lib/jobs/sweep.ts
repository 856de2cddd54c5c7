import { type Sql, transaction } from '../../db/client.ts'
import * as expiries from '../../db/queries/expiries.ts'
import * as leases from '../../db/queries/leases.ts'
import * as queues from '../../db/queries/queues.ts'
import type { Acquired } from '../../db/queries/runners.ts'
import * as sweeps from '../../db/queries/sweeps.ts'
import * as waiting from '../../db/queries/waiting.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import { isRecent } from '../core/clock.ts'
import { countFinished, countSettled } from '../metrics/jobs.ts'
import { MAX_DOORBELL_DELAY_SECONDS, type QueueName, type Ring } from '../queue/doorbells.ts'
import { CLAIMS_PER_DOORBELL, ringFor, ringForMany, startableAfter } from '../queue/ring.ts'
import { each } from '../schedule/every.ts'
import { acquireLease, RENEW_BELOW_SECONDS } from '../schedule/runner.ts'
import type { JobKind } from './define.ts'
import { countEnds, settleChildren, settleWithChildren } from './settle.ts'

const BATCH = 500

/** A job that nobody came for in this time has lost its doorbell. */
const OVERDUE_SECONDS = 2

/** Doorbells for one queue in one pass, at most: as many as workers may run there. */
const MAX_DOORBELLS = 10

/** Overdue jobs of one queue are counted up to here. */
const MAX_COUNTED = MAX_DOORBELLS * 500

/** While others of a kind with limits run, somebody looks so often whether there is room for more. */
const LOOK_FOR_ROOM_MS = 10_000

/**
 * Finds what is due but that nobody is working on: lost leases, expired jobs, ends that are not counted yet, and queues
 * whose doorbells were lost.
 * @param kinds the kinds that workers run
 */
export const sweep = async (app: App, kinds: readonly JobKind[] = []): Promise<void> => {
  const glance = await inReach(app, async () => {
    if (!(await acquireLease(app, 'sweep', (tx, gap) => mendLeases(app, tx, gap)))) return undefined
    // On a stack at rest this is the sweep's only query.
    return sweeps.glance(app.sql)
  })
  if (!glance) return
  const { lost, expired, uncounted, queued } = glance
  await each([
    ...(lost ? [() => endLostLeases(app, ENDING_MS)] : []),
    ...(expired ? [() => cancelExpired(app, EXPIRING_MS)] : []),
    ...(uncounted ? [() => countEndsLeft(app, COUNTING_MS)] : []),
    ...(queued ? [() => ringFallenDue(app), () => ringOverdue(app, kinds)] : []),
    ...(isNewMinute(app) ? [() => waiting.prunePace(app.sql)] : []),
  ])
}

/**
 * If no sweep could reach Postgres for as long as a lease lasts, the workers couldn't renew theirs either. So running jobs
 * get one more lease before a lost one counts as a crash, also those whose lease ends before their worker tries again. The
 * outage may have begun some seconds before the sweep's own lease was over, when it was to be renewed. A sweep that comes
 * only once a minute must not look like an outage: it would give the jobs of dead workers one lease after another.
 *
 * If the clock was set back, leases that were given before are shortened to what is given now. Otherwise those of dead workers
 * would last until the clock is as late again.
 */
const mendLeases = async (app: App, tx: Sql, { vacantSeconds, setBackSeconds }: Acquired): Promise<void> => {
  const { leaseSeconds } = app.config.engine
  if (setBackSeconds > 0) await leases.shorten(tx, leaseSeconds)
  if (vacantSeconds + RENEW_BELOW_SECONDS >= leaseSeconds) await grant(app, tx, vacantSeconds)
}

const grant = async (app: App, sql: Sql, seconds: number): Promise<void> => {
  const { leaseSeconds, heartbeatSeconds } = app.config.engine
  const granted = await leases.grant(sql, leaseSeconds, heartbeatSeconds)
  if (granted > 0)
    app.log.warn({ jobs: granted, seconds }, 'nobody could sweep for a while; running jobs get a lease more')
}

/** Since when a process's sweep has tried to reach Postgres without an answer. */
const triedSince = new WeakMap<App, number>()

/**
 * Begins a pass. If Postgres gave no answer for as long as two heartbeats are apart, the workers' heartbeats may have failed
 * too, and their leases would be over before the third one: running jobs get one more lease. The process that sweeps sees this
 * itself; one that takes its place goes by how long nobody swept.
 */
const inReach = async (
  app: App,
  begin: () => Promise<sweeps.Glance | undefined>,
): Promise<sweeps.Glance | undefined> => {
  const since = triedSince.get(app) ?? app.clock.now()
  triedSince.set(app, since)
  const glance = await begin()
  const seconds = (app.clock.now() - since) / 1_000
  if (glance && seconds >= app.config.engine.heartbeatSeconds) await grant(app, app.sql, seconds)
  triedSince.delete(app)
  return glance
}

const prunedAtMinute = new WeakMap<App, number>()

const isNewMinute = (app: App): boolean => {
  const minute = Math.floor(app.clock.now() / 60_000)
  if (prunedAtMinute.get(app) === minute) return false
  prunedAtMinute.set(app, minute)
  return true
}

/** In one pass no batch of lost leases is begun later: the other steps wait meanwhile, and the function's time ends. */
const ENDING_MS = 1_500

/** Processes that are known to be dead, and how they ended, if that is known. */
interface Dead {
  instances: string[]
  how: string | undefined
}

/**
 * Settles the jobs whose lease ran out, for so long, and rings for those that go on. With `dead`, their leases end in the
 * same transaction: a sweep in between would not know how.
 * @returns how many
 */
export const endLostLeases = async (app: App, forMs = Number.POSITIVE_INFINITY, dead?: Dead): Promise<number> => {
  const began = app.clock.now()
  for (let total = 0; ; ) {
    const settled = await transaction(app.sql, async (tx) => {
      if (dead && (await leases.endOf(tx, dead.instances)) === 0) return []
      const lost = await leases.lockLost(tx, BATCH)
      if (lost.length === 0) return []
      return settleWithChildren(
        app,
        tx,
        lost.map(({ id, stint, worker }) => ({
          id,
          stint,
          ending: 'lost',
          runMs: null,
          ...(dead?.how && dead.instances.includes(worker) && { error: { code: 'CRASHED', message: dead.how } }),
        })),
      )
    })
    total += settled.length
    if (settled.length > 0) {
      app.log.warn({ jobs: settled.length }, 'leases were lost')
      app.committed()
      countSettled(app.metrics, settled)
      await ringFor(app, startableAfter(settled))
    }
    if (settled.length < BATCH || !isRecent(app.clock, began, forMs)) return total
  }
}

/** In one pass no batch of expired jobs is begun later. */
const EXPIRING_MS = 1_500

/**
 * Cancels, for so long, the jobs that nobody had started when they expired, and ends or frees those that run after them.
 * No claim starts them meanwhile.
 */
const cancelExpired = async (app: App, forMs: number): Promise<void> => {
  for (const began = app.clock.now(); isRecent(app.clock, began, forMs); ) {
    const ids = await expiries.list(app.sql, BATCH)
    if (ids.length === 0) return
    const { expired, children } = await transaction(app.sql, async (tx) => {
      const expired = await expiries.cancel(tx, ids)
      return { expired, children: await settleChildren(app, tx, expired) }
    })
    if (expired.length > 0) app.committed()
    countFinished(app.metrics, [...expired, ...children])
    await ringFor(
      app,
      children.filter((job) => job.state === 'queued'),
    )
    if (ids.length < BATCH) return
  }
}

/** In one pass no part of an uncounted end is begun later: lost leases wait meanwhile, and the function's time ends. */
const COUNTING_MS = 2_000

/** Goes on, part by part and for so long, with the ends of jobs that have more children than one transaction should change. */
export const countEndsLeft = async (app: App, forMs = Number.POSITIVE_INFINITY): Promise<void> => {
  for (const began = app.clock.now(); isRecent(app.clock, began, forMs); ) {
    const { changed, more } = await countEnds(app)
    if (!more) return
    app.committed()
    countFinished(app.metrics, changed)
    await ringFor(
      app,
      changed.filter((job) => job.state === 'queued'),
    )
  }
}

/** Up to when each process has rung for jobs that fell due. */
const rungUntil = new WeakMap<App, string>()

/** Rings, to the second, for jobs whose delay was too long for a doorbell to wait in SQS. */
const ringFallenDue = async (app: App): Promise<void> => {
  const rows = await queues.listFallenDue(app.sql, rungUntil.get(app) ?? null, MAX_DOORBELL_DELAY_SECONDS - 10)
  const [first] = rows
  if (first) rungUntil.set(app, first.until)
  await ringForMany(
    app,
    rows.flatMap(({ queue, jobs }) => (queue ? [{ queue, jobs }] : [])),
  )
}

/** Between rings that changed nothing: the first pause, and, doubled each time, the longest. */
const PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000

/** How many could start when each queue was last rung for, and how long the next ring waits if it is still as many. */
const lastRings = mapByOwner<App, { startable: number; at: number; pauseMs: number }>()

/**
 * If ringing changes nothing, for example because a deploy removed the kind of the waiting jobs, the pauses grow: each
 * doorbell starts a function that is paid for.
 */
const isTimeToRing = (app: App, queue: QueueName, startable: number): boolean => {
  const last = lastRings(app).get(queue)
  const isInVain = last?.startable === startable && startable < MAX_COUNTED
  if (isInVain && isRecent(app.clock, last.at, last.pauseMs)) return false
  const pauseMs = isInVain ? Math.min(MAX_PAUSE_MS, 2 * last.pauseMs) : PAUSE_MS
  lastRings(app).set(queue, { startable, at: app.clock.now(), pauseMs })
  return true
}

/**
 * Overdue jobs by the queue whose workers claim them. For kinds with limits that is the kind's queue now, which may have
 * changed since the jobs were submitted.
 */
export const byQueue = (overdue: queues.Overdue[], kinds: readonly JobKind[]): Map<QueueName, queues.Overdue[]> =>
  Map.groupBy(overdue, ({ kind, queue }) => kinds.find((it) => it.kind === kind)?.queue ?? (queue as QueueName))

/** How many projects a second are looked at, on average: a tenth of a core, however many projects have delayed jobs. */
const LOOKS_PER_SECOND = 7_000

const lastLooks = new WeakMap<App, { at: number; restMs: number }>()

/** Rings for queues in which jobs have been startable for a while although SQS has no message for them. */
const ringOverdue = async (app: App, kinds: readonly JobKind[]): Promise<void> => {
  const last = lastLooks.get(app)
  if (last && isRecent(app.clock, last.at, last.restMs)) return
  const { overdue: found, looked } = await queues.listOverdue(app.sql, OVERDUE_SECONDS, MAX_COUNTED)
  // The passes are a second apart.
  lastLooks.set(app, { at: app.clock.now(), restMs: (looked / LOOKS_PER_SECOND - 1) * 1_000 })
  const overdue = found.filter(({ kind, othersRun }) => kind === null || !othersRun || isTimeToLook(app, kind))
  const rings = await Promise.all(
    [...byQueue(overdue, kinds)].map(async ([queue, rows]): Promise<Ring[]> => {
      const startable = rows.reduce((sum, row) => sum + row.startable, 0)
      const mayChange = rows.some(({ othersRun }) => othersRun)
      if ((await app.queue.visible(queue)) > 0 || !(mayChange || isTimeToRing(app, queue, startable))) return []
      const worth = CLAIMS_PER_DOORBELL[queue]
      const count = Math.min(MAX_DOORBELLS, Math.ceil(startable / worth))
      return Array.from({ length: count }, () => ({ queue, n: worth }))
    }),
  )
  if (rings.flat().length === 0) return
  app.log.info({ rings: rings.flat() }, 'doorbells were lost; ringing again')
  await app.queue.ring(rings.flat())
}

const lookedForRoom = mapByOwner<App, number>()

/**
 * The end of a limited job rings for the next, so jobs that wait while others of their kind run mostly wait for those. But
 * after a lost doorbell, or when a delay is over, there may be room that nobody knows of.
 */
const isTimeToLook = (app: App, limitedKind: string): boolean => {
  const looked = lookedForRoom(app)
  if (isRecent(app.clock, looked.get(limitedKind) ?? 0, LOOK_FOR_ROOM_MS)) return false
  looked.set(limitedKind, app.clock.now())
  return true
}

/**
 * Ends the leases of processes that are known to be dead, so that their jobs continue at once.
 * @param how they ended, for the people who look at their jobs
 */
export const endLeasesOf = async (app: App, instances: string[], how?: string): Promise<void> => {
  await endLostLeases(app, Number.POSITIVE_INFINITY, { instances, how })
}

/** The same for every process but the named ones: at a host's start all earlier workers are dead. */
export const endLeasesExcept = async (app: App, instances: string[]): Promise<void> => {
  if ((await leases.endExcept(app.sql, instances)) > 0) await endLostLeases(app)
}
