import type { TransactionSql } from 'postgres'
import { isRefusal, transaction } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as schedules from '../../db/queries/schedules.ts'
import type { App } from '../app.ts'
import { isRecent } from '../core/clock.ts'
import { cut } from '../core/cut.ts'
import { StintError } from '../core/errors.ts'
import { countSubmitted } from '../metrics/jobs.ts'
import { ringFor, type Startable } from '../queue/ring.ts'
import { latestTick, readCron, type Ticks } from '../schedule/cron.ts'
import { acquireLease } from '../schedule/runner.ts'
import { ownTraceparent } from '../tracing/traces.ts'
import type { JobKind } from './define.ts'
import { prepare } from './prepare.ts'

/** Schedules per transaction: most make one job of a small input, and thousands may be due in the same minute. */
const BATCH = 100

/**
 * Jobs, and bytes of their inputs, after which no more schedules come into a transaction. A hundred ticks each of twenty
 * with large inputs took 2.2 GB of memory and a minute and a half: more than a function has, so that no schedule got past
 * them.
 */
const BATCH_JOBS = 2_000
const BATCH_BYTES = 10_000_000

/** Jobs that one schedule makes up for in one pass. */
const MAX_CAUGHT_UP = 100

/** What a pass may take: the sweep waits for its end. And no more than half of what its function has left. */
const PASS_MS = 5_000

/** A tick that is later than this was missed, and isn't only late. */
const LATE_SECONDS = 60

/** A tick that could make no job is tried again this much later, if it is to be made up for. */
const RETRY_SECONDS = 60

const FIRST = '00000000-0000-0000-0000-000000000000'

/** Behind which schedule the next pass begins, where the time of the one before was over. */
const goesOnAfter = new WeakMap<App, string>()

/**
 * Makes the jobs of all schedules whose tick has come, by the database's clock. A tick becomes one job at most, even if
 * two processes do this at the same time, and each schedule moves past what it has made.
 */
export const runDueSchedules = async (
  app: App,
  kinds: readonly JobKind[],
  remainingMs: () => number = () => Number.POSITIVE_INFINITY,
): Promise<void> => {
  // A lease of its own: whoever takes over the sweep's must expect job leases that ran out while nobody held it.
  if (!(await acquireLease(app, 'schedules'))) return
  const [began, passMs] = [app.clock.now(), Math.min(PASS_MS, remainingMs() / 2)]
  let after = goesOnAfter.get(app) ?? FIRST
  // Mostly none is: that takes one statement, and no transaction around it.
  if (after === FIRST && !(await schedules.anyDue(app.sql))) return
  do {
    const { last = FIRST, rows } = await runSome(app, kinds, after)
    if (rows.length > 0) {
      app.committed()
      countSubmitted(app.metrics, rows)
      await ringFor(app, rows.map(toStartable))
    }
    after = last
    goesOnAfter.set(app, after)
  } while (after !== FIRST && isRecent(app.clock, began, passMs))
}

/** What one transaction did: the last schedule that it ran, if there may be more behind it, and the jobs that it made. */
interface Ran {
  last: string | undefined
  rows: jobs.NewJob[]
}

/** The next due schedules, together. Where the database refuses a job of theirs, the first alone: it stops no other. */
const runSome = async (app: App, kinds: readonly JobKind[], after: string): Promise<Ran> => {
  const run = (limit: number, refusal?: unknown): Promise<Ran> =>
    transaction(app.sql, (tx) => runBatch(app, tx, kinds, { after, limit, refusal }))
  try {
    return await run(BATCH)
  } catch (error) {
    if (!isRefusal(error)) throw error
    app.log.warn({ err: error }, 'a job of due schedules was refused; they are run one by one')
  }
  return run(1).catch((error: unknown) => (isRefusal(error) ? run(1, error) : Promise.reject(error)))
}

/**
 * Runs due schedules in one transaction.
 * @param refusal why the database didn't take the job of the one schedule that is run, when it was tried before
 */
const runBatch = async (
  app: App,
  tx: TransactionSql,
  kinds: readonly JobKind[],
  { after, limit, refusal }: { after: string; limit: number; refusal: unknown },
): Promise<Ran> => {
  const due = await schedules.lockDue(tx, after, limit)
  if (due.length === 0) return { last: undefined, rows: [] }
  const plans = planSome(due, (schedule) => plan(app, kinds, schedule, refusal))
  const made = plans.flatMap((it) => it.jobs)
  const won = made.length > 0 ? await schedules.insertTicks(tx, made.map(toTick)) : new Set<string>()
  const rows = made.filter((it) => won.has(it.row.id)).map((it) => it.row)
  if (rows.length > 0) await jobs.insert(tx, rows)
  await schedules.move(
    tx,
    plans.map((it) => it.move),
  )
  const last = due.length === limit || plans.length < due.length ? plans.at(-1)?.move.id : undefined
  return { last, rows }
}

/** The plans of as many schedules as one transaction should store, and of one at least. */
const planSome = (due: schedules.DueSchedule[], planOne: (schedule: schedules.DueSchedule) => Plan): Plan[] => {
  const plans: Plan[] = []
  let made = 0
  let bytes = 0
  for (const schedule of due) {
    const planned = planOne(schedule)
    plans.push(planned)
    made += planned.jobs.length
    bytes += planned.jobs.reduce((sum, { row }) => sum + row.input.length, 0)
    if (made >= BATCH_JOBS || bytes > BATCH_BYTES) break
  }
  return plans
}

const toStartable = ({ queue }: jobs.NewJob): Startable => ({ queue, delayMs: 0 })

interface ScheduledJob {
  scheduleId: string
  tick: Date
  row: jobs.NewJob
}

const toTick = ({ scheduleId, tick, row }: ScheduledJob): schedules.Tick => ({ scheduleId, tick, jobId: row.id })

/** What a due schedule does: the jobs that it makes, and where it goes on. */
interface Plan {
  jobs: ScheduledJob[]
  move: schedules.Move
}

const plan = (app: App, kinds: readonly JobKind[], schedule: schedules.DueSchedule, refusal: unknown): Plan => {
  const { id, now, catchUp, abandoned } = schedule
  const first = schedule.missedAt ?? schedule.nextAt
  const stays = { id, lastAt: null, error: null, missedAt: null }
  if (abandoned) return { jobs: [], move: { ...stays, nextAt: null } }
  let next: Date | null = null
  try {
    const due = dueTicks(readCron(schedule.cron, schedule.timeZone), first, now, catchUp)
    next = due.next
    if (refusal) throw refusal
    const made = due.ticks.map((tick) => ({ scheduleId: id, tick, row: toRow(app, kinds, schedule, tick) }))
    return { jobs: made, move: { ...stays, nextAt: next, lastAt: due.ticks.at(-1) ?? null } }
  } catch (error) {
    app.log.error({ err: error, schedule: id }, 'a schedule made no job')
    // What else a kind may throw is told in the log only. It keeps none of the others in the transaction from theirs.
    const { code, message } = error instanceof StintError ? error : new StintError('INTERNAL')
    const failed = { ...stays, error: { code, message: cut(message, 1_000) } }
    if (catchUp === 'skip') return { jobs: [], move: { ...failed, nextAt: next } }
    // The deploy that took the kind away may be followed by one that brings it back: the tick was missed, and not lost.
    return { jobs: [], move: { ...failed, nextAt: soonest(next, now), missedAt: first } }
  }
}

/** The next tick, or the next try if that comes before. */
const soonest = (next: Date | null, now: Date): Date => {
  const again = new Date(now.getTime() + RETRY_SECONDS * 1_000)
  return next && next > now && next < again ? next : again
}

/** The ticks that become jobs, and the one with which the schedule goes on. */
const dueTicks = (
  ticks: Ticks,
  first: Date,
  now: Date,
  catchUp: schedules.CatchUp,
): { ticks: Date[]; next: Date | null } => {
  if (catchUp === 'all') {
    const all = [first]
    let next = ticks.after(first)
    for (; next && next <= now && all.length < MAX_CAUGHT_UP; next = ticks.after(next)) all.push(next)
    return { ticks: all, next }
  }
  const latest = latestTick(ticks, first, now)
  const missed = now.getTime() - latest.getTime() > LATE_SECONDS * 1_000
  return { ticks: catchUp === 'skip' && missed ? [] : [latest], next: ticks.after(latest) }
}

/** It expires by its tick, and not by when it is made: what is made up for may be of no use any more. */
const toRow = (app: App, kinds: readonly JobKind[], schedule: schedules.DueSchedule, tick: Date): jobs.NewJob => {
  const { kind, input, name, priority, tags, maxAttempts, timeoutSeconds, expiresInSeconds } = schedule
  const { projectId, createdBy } = schedule
  const given = {
    kind,
    input,
    name,
    priority,
    tags,
    ...(maxAttempts && { maxAttempts }),
    ...(timeoutSeconds && { timeoutSeconds }),
    ...(expiresInSeconds && { expiresAt: new Date(tick.getTime() + expiresInSeconds * 1_000).toISOString() }),
  }
  const { row } = prepare(kinds, given, { projectId, createdBy })
  return { ...row, traceparent: ownTraceparent(app.traces, row.id) }
}
