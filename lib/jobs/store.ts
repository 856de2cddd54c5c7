import type { TransactionSql } from 'postgres'
import type { Sql } from '../../db/client.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as leases from '../../db/queries/leases.ts'
import type { App } from '../app.ts'
import { invalidField } from '../core/errors.ts'
import type { Startable } from '../queue/ring.ts'
import { readTraceparent, spanIdOfJob, writeTraceparent } from '../tracing/trace-context.ts'
import { ownTraceparent } from '../tracing/traces.ts'
import { FencedError } from './define.ts'
import { type Answered, answerDuplicates, answerReplays } from './keys.ts'
import type { Prepared } from './prepare.ts'
import { refuseCycles } from './refuse-cycles.ts'
import { settleChildren } from './settle.ts'
import { hasEnded } from './states.ts'

/** What became of one submission. */
export interface Submitted {
  jobId: string
  /** `made`: a new job. `replayed`: the idempotency key's. `duplicate`: the one that holds the unique key. */
  outcome: 'made' | 'replayed' | 'duplicate'
  /** Of a job that was made and had nothing to wait for: enough to answer without reading it back. */
  queued?: Times
}

/** Submissions as they were stored, and the jobs to ring for after the commit. */
export interface Stored {
  submitted: Submitted[]
  startable: Startable[]
  /** Jobs that others replaced or that had expired, and children that came free or ended. */
  changed: { kind: string; state: jobs.JobState; expired?: boolean }[]
}

/** The stint of a job that submits others. */
export interface Submitter {
  id: string
  stint: number
}

/**
 * Stores jobs with idempotency keys, unique keys and parents, in the caller's transaction: first it takes the keys, then it
 * locks the parents, and then it inserts the jobs that are new, with their edges. All or nothing.
 * @throws {StintError} IDEMPOTENCY_KEY_REUSED, VALIDATION_FAILED (a parent that isn't there, an expiry before the start)
 * @throws {FencedError} when the stint that submits them no longer holds its job
 */
export const store = async (app: App, tx: TransactionSql, prepared: Prepared[], by?: Submitter): Promise<Stored> => {
  const answered: Answered = new Map()
  await answerReplays(tx, prepared, answered)
  const replaced = await answerDuplicates(
    tx,
    prepared.filter((it) => !answered.has(it)),
    answered,
  )
  const own = prepared.filter((it) => !answered.has(it))
  const made = answered.size > 0 ? followAnswered(own, answered) : own
  const outside = parentsOutside(made)
  const parents = by ? await lockAround(app, tx, outside, made, by) : await lockParents(tx, outside)
  countParents(made, parents)
  const ended = parents.filter((row) => hasEnded(row.state)).map(({ id, state }) => ({ id, state, hasChildren: true }))
  const { times, late } = await insert(tx, made)
  if (!by) refuseLate(made, late)
  // One that was there already has its edges, and they are counted; the siblings' keys may have led to others then.
  const inserted = made.filter(({ row }) => times.has(row.id))
  const edges = inserted.flatMap(({ row, after }) => after.map((parentId) => ({ childId: row.id, parentId })))
  if (edges.length > 0) await dependencies.insert(tx, edges)
  const changed = await settleChildren(app, tx, [...ended, ...replaced])
  return {
    submitted: prepared.map((it) => answered.get(it) ?? { jobId: it.row.id, outcome: 'made' }),
    startable: [...startableNow(made, times), ...changed.filter((job) => job.state === 'queued')],
    changed: [...replaced, ...changed],
  }
}

export interface Times {
  queuedAt: Date
  startAt: Date
}

/**
 * Inserts jobs; one that is there already is left alone.
 * @returns when each new job was queued and is due, and the ids of those that expire before they are due
 */
export const insert = async (
  sql: Sql,
  prepared: Prepared[],
): Promise<{ times: Map<string, Times>; late: string[] }> => {
  if (prepared.length === 0) return { times: new Map(), late: [] }
  const rows = prepared.map((it) => it.row)
  const inserted = await jobs.insert(sql, rows)
  const times = inserted.flatMap(({ ids, queuedAt, startAt }) =>
    (ids ?? rows.map(({ id }) => id)).map((id) => [id, { queuedAt, startAt }] as const),
  )
  return { times: new Map(times), late: inserted.flatMap(({ late }) => late ?? []) }
}

/**
 * Refuses jobs that would expire before they may start, which nobody means. The database's clock decides, and only new jobs
 * are looked at: a repeat with an idempotency key may come after its job has expired. Not for what a job submits: it may be
 * late through no fault of its own, and then its job expires at once.
 * @throws {StintError} VALIDATION_FAILED
 */
const refuseLate = (made: Prepared[], late: string[]): void => {
  const first = made.find(({ row }) => late.includes(row.id))
  if (!first) return
  const field = first.row.expiresAt === null ? 'expiresInSeconds' : 'expiresAt'
  throw invalidField(first.path ? `${first.path}.${field}` : field, 'it would expire before it may start')
}

/**
 * Some siblings were answered with other jobs. Those that repeat such a sibling, or run after it, now refer to that other
 * job. The given submissions aren't changed: if the transaction is tried again, the keys may lead to others.
 * @throws {StintError} VALIDATION_FAILED, where a job would then wait for itself
 */
const followAnswered = (own: Prepared[], answered: Answered): Prepared[] => {
  const instead = new Map([...answered].map(([it, { jobId }]) => [it.row.id, jobId]))
  for (const [it, answer] of answered) {
    answer.jobId = instead.get(answer.jobId) ?? answer.jobId
    instead.set(it.row.id, answer.jobId)
  }
  const made = own.map((it) => ({ ...it, after: [...new Set(it.after.map((id) => instead.get(id) ?? id))] }))
  refuseCycles(made)
  return made
}

const startableNow = (made: Prepared[], times: Map<string, Times>): Startable[] =>
  made
    .filter(({ row }) => row.waitsFor === 0)
    .map(({ row }) => ({ queue: row.queue, delayMs: delayOf(times.get(row.id)) }))

/** Milliseconds from when a job was queued until it is due. */
export const delayOf = (times: Times | undefined): number =>
  times ? times.startAt.getTime() - times.queuedAt.getTime() : 0

/** The parents that are not among these jobs. */
const parentsOutside = (made: Prepared[]): string[] => {
  const siblings = new Set(made.map(({ row }) => row.id))
  return [...new Set(made.flatMap(({ after }) => after))].filter((id) => !siblings.has(id))
}

const lockParents = async (tx: TransactionSql, ids: string[]): Promise<dependencies.ParentRow[]> =>
  ids.length > 0 ? dependencies.lockParents(tx, ids) : []

/**
 * Locks the parents and the submitting job, all in the order of their ids. The new jobs take over the submitting job's
 * person and trace.
 * @throws {FencedError} when the stint no longer holds its job
 */
const lockAround = async (
  app: App,
  tx: TransactionSql,
  ids: string[],
  made: Prepared[],
  { id: own, stint }: Submitter,
): Promise<dependencies.ParentRow[]> => {
  const before = ids.filter((id) => id <= own)
  const behind = ids.filter((id) => id > own)
  const first = await lockParents(tx, before)
  const holder = await leases.lockHeld(tx, own, stint)
  if (!holder) throw new FencedError(`stint ${stint} no longer holds the job`)
  const trace = readTraceparent(holder.traceparent)
  const traceparent = trace && writeTraceparent({ ...trace, spanId: spanIdOfJob(own) })
  for (const { row } of made) {
    row.createdBy = holder.createdBy
    row.traceparent = traceparent ?? ownTraceparent(app.traces, row.id)
  }
  return [...first, ...(await lockParents(tx, behind))]
}

/**
 * Notes in the rows how many parents each job waits for.
 * @param outside the parents that are not among these jobs
 * @throws {StintError} VALIDATION_FAILED (a parent that isn't there)
 */
const countParents = (made: Prepared[], outside: dependencies.ParentRow[]): void => {
  const named = new Set(made.flatMap((it) => it.after))
  if (named.size === 0) return
  const projects = new Map(made.map(({ row }) => [row.id, row.projectId]))
  for (const parent of outside) projects.set(parent.id, parent.projectId)
  for (const { row, path, after } of made) {
    const missing = after.findIndex((id) => projects.get(id) !== row.projectId)
    if (missing >= 0) {
      const field = `${path ? `${path}.` : ''}after[${missing}]`
      throw invalidField(field, `there is no job ${after[missing]} in the project`)
    }
    row.waitsFor = after.length
    row.hasParents = after.length > 0
    row.hasChildren = named.has(row.id)
  }
}
