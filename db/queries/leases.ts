import type { Fragment } from 'postgres'
import type { Sql } from '../client.ts'

/** Jobs that one process runs, with the stint of each. */
export interface Held {
  ids: string[]
  stints: number[]
}

export const heldOf = (jobs: readonly { id: string; stint: number }[]): Held => ({
  ids: jobs.map((job) => job.id),
  stints: jobs.map((job) => job.stint),
})

/**
 * Extends the leases of jobs, except of jobs that are to be cancelled: their leases end, so that a job which ignores its cancel
 * is fenced off. A lease counts from when it is written: by `now()`, the statement's beginning, one that waited for a lock on
 * the table for a minute would be over by then.
 * @returns the ids still held; a missing one was fenced off
 */
export const extend = async (sql: Sql, { ids, stints }: Held, leaseSeconds: number): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH held AS MATERIALIZED (
      SELECT id, stint, state FROM jobs
      -- A lease that is over is left to the sweep, which skips locked rows.
      WHERE id = ANY (${ids}::uuid[]) AND (cancel_requested_at IS NULL OR lease_until > now()) ORDER BY id
      FOR NO KEY UPDATE
    )
    UPDATE jobs SET lease_until = CASE
      WHEN jobs.cancel_requested_at IS NULL THEN clock_timestamp() + ${leaseSeconds} * interval '1 second' ELSE jobs.lease_until END
    FROM held JOIN unnest(${ids}::uuid[], ${stints}::integer[]) AS given (id, stint) USING (id, stint)
    WHERE jobs.id = held.id AND held.state = 'running'
    RETURNING jobs.id`
  return rows.map((row) => row.id)
}

/** Which of these jobs need their worker's attention: cancelled ones, and ones it no longer holds. */
export const watch = (sql: Sql, { ids, stints }: Held): Promise<{ id: string; fenced: boolean }[]> => sql`
  SELECT given.id, (jobs.id IS NULL OR jobs.stint <> given.stint OR jobs.state <> 'running') AS fenced
  FROM unnest(${ids}::uuid[], ${stints}::integer[]) AS given (id, stint)
  LEFT JOIN jobs ON jobs.id = given.id
  WHERE jobs.id IS NULL OR jobs.stint <> given.stint OR jobs.state <> 'running' OR jobs.cancel_requested_at IS NOT NULL`

/** What submitted jobs take over from the job that submits them. */
export interface Holder {
  createdBy: string | null
  traceparent: string | null
}

/**
 * Locks a job's row for the transaction if this stint still owns it, which makes a kind's own writes fenced. The end of a
 * stint locks the row FOR UPDATE, and so waits for this transaction, which may take a while (a job may submit ten thousand
 * others). Heartbeats, safe points, cancels and new children lock it FOR NO KEY UPDATE, and don't wait.
 * @returns null if the stint doesn't own the job
 */
export const lockHeld = async (sql: Sql, id: string, stint: number): Promise<Holder | null> => {
  const [row] = await sql<Holder[]>`
    SELECT created_by, traceparent FROM jobs WHERE id = ${id} AND stint = ${stint} AND state = 'running'
    FOR KEY SHARE`
  return row ?? null
}

/** Leases that are over, oldest first; those that somebody is settling right now are left out. */
export const lockLost = (sql: Sql, limit: number): Promise<{ id: string; stint: number; worker: string }[]> => sql`
  SELECT id, stint, worker FROM jobs
  WHERE state = 'running' AND lease_until < now()
  ORDER BY lease_until LIMIT ${limit} FOR UPDATE SKIP LOCKED`

/** Ends the leases of processes that are known to be dead. @returns how many */
export const endOf = (sql: Sql, workers: string[]): Promise<number> =>
  move(sql, sql`worker = ANY (${workers}::text[])`, toNow(sql))

/** Ends the leases of all processes but the named ones. @returns how many */
export const endExcept = (sql: Sql, workers: string[]): Promise<number> =>
  move(sql, sql`worker <> ALL (${workers}::text[])`, toNow(sql))

/** Gives another lease to every job whose lease has run out, or will within this many seconds. @returns how many */
export const grant = (sql: Sql, leaseSeconds: number, withinSeconds: number): Promise<number> =>
  move(sql, sql`lease_until < now() + ${withinSeconds} * interval '1 second'`, toLater(sql, leaseSeconds))

/** Lets leases that run for longer than any is given end so many seconds from now. @returns how many */
export const shorten = (sql: Sql, leaseSeconds: number): Promise<number> =>
  move(sql, sql`lease_until > now() + ${leaseSeconds} * interval '1 second'`, toLater(sql, leaseSeconds))

/** Moves the leases of the running jobs that `which` finds. @returns how many */
const move = async (sql: Sql, which: Fragment, until: Fragment): Promise<number> => {
  const rows = await sql`
    WITH held AS MATERIALIZED (
      SELECT id FROM jobs WHERE state = 'running' AND ${which} ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET lease_until = ${until} FROM held WHERE jobs.id = held.id`
  return rows.count
}

const toNow = (sql: Sql) => sql`least(lease_until, now() - interval '1 millisecond')`

const toLater = (sql: Sql, seconds: number) => sql`clock_timestamp() + ${seconds} * interval '1 second'`
