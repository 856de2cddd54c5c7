import type { Sql } from '../client.ts'
import type { JobError } from './jobs.ts'

export type CatchUp = 'skip' | 'one' | 'all'

/** What a person decides about a schedule. */
export interface ScheduleSettings {
  name: string
  cron: string
  timeZone: string
  kind: string
  input: unknown
  priority: number
  tags: string[]
  /** Null: what the kind says. */
  maxAttempts: number | null
  timeoutSeconds: number | null
  /** From the tick on. Null: the job waits for as long as it takes. */
  expiresInSeconds: number | null
  catchUp: CatchUp
}

/** A schedule as lists have it: inputs may be large, and a page has a hundred. */
export interface ScheduleSummaryRow extends Omit<ScheduleSettings, 'input'> {
  id: string
  projectId: string
  createdBy: string | null
  pausedAt: Date | null
  nextAt: Date | null
  lastAt: Date | null
  error: JobError | null
  /** The first tick that made no job because of it, while it is to be made up for. */
  missedAt: Date | null
  createdAt: Date
  updatedAt: Date
  /** Of the latest tick that made a job, as long as it is remembered. */
  lastJobId: string | null
}

export interface ScheduleRow extends ScheduleSummaryRow {
  input: unknown
}

const columns = (sql: Sql) => sql`${summaryColumns(sql)}, input`

const summaryColumns = (sql: Sql) => sql`
  schedules.id, project_id, created_by, name, cron, time_zone, kind, priority, tags, max_attempts,
  timeout_seconds, expires_in_seconds, catch_up, paused_at, next_at, last_at, error, missed_at, schedules.created_at,
  schedules.updated_at,
  (SELECT job_id FROM schedule_ticks WHERE schedule_id = schedules.id ORDER BY tick DESC LIMIT 1) AS last_job_id`

/** The database's time: what schedules go by. */
export const now = async (sql: Sql): Promise<Date> => {
  const [row] = await sql<[{ now: Date }]>`SELECT now()`
  return row.now
}

export interface NewSchedule extends ScheduleSettings {
  id: string
  projectId: string
  createdBy: string | null
  /** Null: it begins paused. */
  nextAt: Date | null
}

export const insert = async (sql: Sql, it: NewSchedule): Promise<ScheduleRow> => {
  const [row] = await sql<[ScheduleRow]>`
    INSERT INTO schedules (id, project_id, created_by, name, cron, time_zone, kind, input, priority, tags, max_attempts,
                           timeout_seconds, expires_in_seconds, catch_up, next_at, paused_at)
    VALUES (${it.id}, ${it.projectId}, ${it.createdBy}, ${it.name}, ${it.cron}, ${it.timeZone}, ${it.kind},
            ${JSON.stringify(it.input)}::text::jsonb, ${it.priority}, ${it.tags}, ${it.maxAttempts},
            ${it.timeoutSeconds}, ${it.expiresInSeconds}, ${it.catchUp}, ${it.nextAt},
            CASE WHEN ${it.nextAt === null} THEN now() END)
    RETURNING ${columns(sql)}`
  return row
}

/** How many schedules a project has. */
export const count = async (sql: Sql, projectId: string): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`SELECT count(*)::int FROM schedules WHERE project_id = ${projectId}`
  return row.count
}

export const find = async (sql: Sql, id: string): Promise<ScheduleRow | null> => {
  const [row] = await sql<ScheduleRow[]>`SELECT ${columns(sql)} FROM schedules WHERE id = ${id}`
  return row ?? null
}

/** The schedules of some projects without their inputs, newest first, older than `before`. */
export const list = (
  sql: Sql,
  projectIds: string[],
  { before, limit }: { before: string | undefined; limit: number },
): Promise<ScheduleSummaryRow[]> => sql`
  SELECT ${summaryColumns(sql)} FROM schedules
  WHERE project_id = ANY (${projectIds}::uuid[]) ${before ? sql`AND schedules.id < ${before}` : sql``}
  ORDER BY schedules.id DESC LIMIT ${limit}`

/** Holds a schedule until the transaction ends: neither another change nor a tick comes in between. */
export const lock = async (sql: Sql, id: string): Promise<ScheduleRow | null> => {
  const [row] = await sql<ScheduleRow[]>`SELECT ${columns(sql)} FROM schedules WHERE id = ${id} FOR UPDATE`
  return row ?? null
}

/** Writes the new values of a locked schedule. What kept its latest tick from making a job no longer counts. */
export const update = async (
  sql: Sql,
  id: string,
  it: ScheduleSettings & { paused: boolean; nextAt: Date | null; missedAt: Date | null },
): Promise<ScheduleRow> => {
  const [row] = await sql<[ScheduleRow]>`
    UPDATE schedules SET
      name = ${it.name}, cron = ${it.cron}, time_zone = ${it.timeZone}, kind = ${it.kind},
      input = ${JSON.stringify(it.input)}::text::jsonb, priority = ${it.priority}, tags = ${it.tags},
      max_attempts = ${it.maxAttempts}, timeout_seconds = ${it.timeoutSeconds},
      expires_in_seconds = ${it.expiresInSeconds}, catch_up = ${it.catchUp},
      next_at = ${it.nextAt}, paused_at = CASE WHEN ${it.paused} THEN coalesce(paused_at, now()) END,
      missed_at = ${it.missedAt}, error = NULL, updated_at = now()
    WHERE id = ${id}
    RETURNING ${columns(sql)}`
  return row
}

/** Ends a FROM: what jobs are still to be made of. A schedule of a deleted project makes none. */
export const inputs = (sql: Sql) => sql`
  (SELECT project_id, input FROM schedules JOIN projects ON projects.id = project_id AND deleted_at IS NULL) AS schedule`

/** Pauses the schedules that a person made, and all schedules of the projects that they belong to. */
export const pauseAround = (
  sql: Sql,
  userId: string,
): Promise<{ id: string; projectId: string; name: string }[]> => sql`
  WITH going AS (
    SELECT id FROM schedules WHERE paused_at IS NULL AND (created_by = ${userId}
      OR project_id IN (SELECT project_id FROM memberships WHERE user_id = ${userId}))
    ORDER BY id FOR UPDATE
  )
  UPDATE schedules SET paused_at = now(), next_at = NULL, missed_at = NULL, updated_at = now() FROM going WHERE schedules.id = going.id
  RETURNING schedules.id, project_id, name`

/** Removes a schedule and what is remembered of its ticks; the jobs that they made stay. @returns whether there was one */
export const remove = async (sql: Sql, id: string): Promise<boolean> =>
  (await sql`DELETE FROM schedules WHERE id = ${id}`).count > 0

export interface DueSchedule extends ScheduleSettings {
  id: string
  projectId: string
  createdBy: string | null
  nextAt: Date
  /** The first tick that made no job, if any is to be made up for. */
  missedAt: Date | null
  /** The database's time. */
  now: Date
  /** Its project was deleted: it makes no more jobs. */
  abandoned: boolean
}

/** Whether the tick of any schedule has come. */
export const anyDue = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql<[{ due: boolean }]>`
    SELECT (SELECT id FROM schedules WHERE next_at <= now() ORDER BY next_at LIMIT 1) IS NOT NULL AS due`
  return row.due
}

/** Up to this many due schedules are found by the index on when they are due. */
const FEW = 500

/**
 * Locks schedules whose tick has come, in id order from behind `after`; those that another is running are left out. Where
 * few are due, they are the first ones of an index, and the others, however many there are, cost nothing. Otherwise it goes
 * down the ids, where due ones lie close: sorting all that are due for each batch would read them as often as there are batches.
 * Left to a planner it would be one or the other by how many were due when statistics were taken.
 */
export const lockDue = (sql: Sql, after: string, limit: number): Promise<DueSchedule[]> => sql`
  WITH due AS MATERIALIZED (
    SELECT id FROM schedules WHERE next_at <= now() ORDER BY next_at LIMIT ${FEW + 1}
  ), counted AS MATERIALIZED (
    SELECT count(*) <= ${FEW} AS are_few FROM due
  )
  SELECT schedules.id, project_id, created_by, schedules.name, cron, time_zone, kind, input, priority, tags,
         max_attempts, timeout_seconds, expires_in_seconds, catch_up, next_at, missed_at, now() AS now,
         projects.deleted_at IS NOT NULL AS abandoned
  FROM schedules JOIN projects ON projects.id = schedules.project_id
  WHERE schedules.id = ANY (ARRAY (
    SELECT id FROM due WHERE id > ${after} AND (SELECT are_few FROM counted)
    UNION ALL
    (SELECT id FROM schedules
      WHERE NOT (SELECT are_few FROM counted) AND id > ${after} AND ${isDue(sql)} ORDER BY id LIMIT ${2 * limit})
  )) AND ${isDue(sql)}
  ORDER BY schedules.id LIMIT ${limit} FOR UPDATE OF schedules SKIP LOCKED`

/** Written so that no plan finds them by when they are due. */
const isDue = (sql: Sql) => sql`coalesce(next_at, 'infinity') <= now()`

export interface Tick {
  scheduleId: string
  tick: Date
  jobId: string
}

/** Says which job each tick becomes. @returns the jobs of ticks that had none yet: only those are to be made */
export const insertTicks = async (sql: Sql, ticks: Tick[]): Promise<Set<string>> => {
  const rows = await sql<{ jobId: string }[]>`
    INSERT INTO schedule_ticks (schedule_id, tick, job_id)
    SELECT schedule_id, tick::timestamptz, job_id FROM unnest(
      ${ticks.map((it) => it.scheduleId)}::uuid[],
      ${ticks.map((it) => it.tick.toISOString())}::text[],
      ${ticks.map((it) => it.jobId)}::uuid[]
    ) AS made (schedule_id, tick, job_id)
    ON CONFLICT DO NOTHING
    RETURNING job_id`
  return new Set(rows.map((row) => row.jobId))
}

export interface Move {
  id: string
  nextAt: Date | null
  /** The latest tick that made a job; null leaves the one before. */
  lastAt: Date | null
  /** What keeps it from making jobs; null when nothing does. */
  error: JobError | null
  /** The first tick that is still to be made up for; null when none is. */
  missedAt: Date | null
}

/** Moves locked schedules to their next tick, or their next try. */
export const move = async (sql: Sql, moves: Move[]): Promise<void> => {
  await sql`
    UPDATE schedules SET next_at = given.next_at::timestamptz, error = given.error::jsonb,
                         last_at = coalesce(given.last_at::timestamptz, schedules.last_at),
                         missed_at = given.missed_at::timestamptz
    FROM unnest(
      ${moves.map((it) => it.id)}::uuid[],
      ${moves.map((it) => it.nextAt?.toISOString() ?? null)}::text[],
      ${moves.map((it) => it.lastAt?.toISOString() ?? null)}::text[],
      ${moves.map((it) => (it.error ? JSON.stringify(it.error) : null))}::text[],
      ${moves.map((it) => it.missedAt?.toISOString() ?? null)}::text[]
    ) AS given (id, next_at, last_at, error, missed_at)
    WHERE schedules.id = given.id`
}

/** Forgets ticks that are older than this many days, at most `limit`. @returns how many */
export const pruneTicks = async (sql: Sql, olderThanDays: number, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM schedule_ticks WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM schedule_ticks
      WHERE tick < now() - ${olderThanDays} * interval '1 day'
      ORDER BY tick LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}
