import type { TransactionSql } from 'postgres'
import { isRefusal, transaction } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as schedules from '../../db/queries/schedules.ts'
import type { App } from '../app.ts'
import { cut, StintError } from '../core/errors.ts'
import { countSubmitted } from '../metrics/jobs.ts'
import { ringFor, type Startable } from '../queue/ring.ts'
import { latestTick, readCron, type Ticks } from '../schedule/cron.ts'
import { holds } from '../schedule/runner.ts'
import { ownTraceparent } from '../tracing/traces.ts'
import type { JobKind } from './define.ts'
import { prepare } from './prepare.ts'

/** Schedules per transaction. */
const BATCH = 20

/** Jobs that one schedule makes up for in one pass. */
const MAX_CAUGHT_UP = 100

/** A tick that is later than this was missed, and isn't only late. */
const LATE_SECONDS = 60

const FIRST = '00000000-0000-0000-0000-000000000000'

/**
 * Makes the jobs of all schedules whose tick has come, by the database's clock. A tick becomes one job at most, even if
 * two processes do this at the same time, and each schedule moves past what it has made.
 */
export const runDueSchedules = async (app: App, kinds: readonly JobKind[]): Promise<void> => {
  // A lease of its own: who takes the sweep's has to reckon with leases that ran out while nobody held it.
  if (!(await holds(app, 'schedules'))) return
  for (let after = FIRST; ; ) {
    const { last, rows } = await runSome(app, kinds, after)
    if (rows.length > 0) {
      app.committed()
      countSubmitted(app.metrics, rows)
      await ringFor(app, rows.map(toStartable))
    }
    if (last === undefined) return
    after = last
  }
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

/** @param refusal why the database doesn't take the job of the only one, if it doesn't */
const runBatch = async (
  app: App,
  tx: TransactionSql,
  kinds: readonly JobKind[],
  { after, limit, refusal }: { after: string; limit: number; refusal: unknown },
): Promise<Ran> => {
  const due = await schedules.lockDue(tx, after, limit)
  if (due.length === 0) return { last: undefined, rows: [] }
  const plans = due.map((schedule) => plan(app, kinds, schedule, refusal))
  const made = plans.flatMap((it) => it.jobs)
  const won = made.length > 0 ? await schedules.insertTicks(tx, made.map(toTick)) : new Set<string>()
  const rows = made.filter((it) => won.has(it.row.id)).map((it) => it.row)
  if (rows.length > 0) await jobs.insert(tx, rows)
  await schedules.move(
    tx,
    plans.map((it) => it.move),
  )
  const last = due.length === limit ? due.at(-1)?.id : undefined
  return { last, rows }
}

const toStartable = ({ queue }: jobs.NewJob): Startable => ({ queue, delayMs: 0 })

interface ScheduledJob {
  scheduleId: string
  tick: Date
  row: jobs.NewJob
}

const toTick = ({ scheduleId, tick, row }: ScheduledJob): schedules.Tick => ({ scheduleId, tick, jobId: row.id })

/** What a due schedule does: the jobs that it makes, and where it goes on. */
const plan = (
  app: App,
  kinds: readonly JobKind[],
  schedule: schedules.DueSchedule,
  refusal: unknown,
): { jobs: ScheduledJob[]; move: schedules.Move } => {
  const { id, now, nextAt, catchUp, abandoned } = schedule
  const stays = { id, lastAt: null, error: null }
  if (abandoned) return { jobs: [], move: { ...stays, nextAt: null } }
  let next: Date | null = null
  try {
    const ticks = readCron(schedule.cron, schedule.timeZone)
    const due = dueTicks(ticks, nextAt, now, catchUp)
    next = ticks.after(due.reached)
    if (refusal) throw refusal
    const made = due.ticks.map((tick) => ({ scheduleId: id, tick, row: toRow(app, kinds, schedule) }))
    return { jobs: made, move: { ...stays, nextAt: next, lastAt: due.ticks.at(-1) ?? null } }
  } catch (error) {
    app.log.error({ err: error, schedule: id }, 'a schedule made no job')
    // What else a kind may throw is told in the log only. It keeps none of the others in the transaction from theirs.
    const { code, message } = error instanceof StintError ? error : new StintError('INTERNAL')
    return { jobs: [], move: { ...stays, nextAt: next, error: { code, message: cut(message, 1_000) } } }
  }
}

/** The ticks that become jobs, and the one behind which the schedule goes on. */
const dueTicks = (
  ticks: Ticks,
  first: Date,
  now: Date,
  catchUp: schedules.CatchUp,
): { ticks: Date[]; reached: Date } => {
  if (catchUp === 'all') {
    const all = [first]
    for (let tick = ticks.after(first); tick && tick <= now && all.length < MAX_CAUGHT_UP; tick = ticks.after(tick)) {
      all.push(tick)
    }
    return { ticks: all, reached: all.at(-1) ?? first }
  }
  const latest = latestTick(ticks, first, now)
  const missed = now.getTime() - latest.getTime() > LATE_SECONDS * 1_000
  return { ticks: catchUp === 'skip' && missed ? [] : [latest], reached: latest }
}

const toRow = (app: App, kinds: readonly JobKind[], schedule: schedules.DueSchedule): jobs.NewJob => {
  const { kind, input, name, priority, tags, maxAttempts, timeoutSeconds, projectId, createdBy } = schedule
  const given = {
    kind,
    input,
    name,
    priority,
    tags,
    ...(maxAttempts && { maxAttempts }),
    ...(timeoutSeconds && { timeoutSeconds }),
  }
  const { row } = prepare(kinds, given, { projectId, createdBy })
  return { ...row, traceparent: ownTraceparent(app.traces, row.id) }
}
