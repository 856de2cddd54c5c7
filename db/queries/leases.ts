import type { Sql } from '../client.ts'

/** Jobs that one process runs, with the stint of each. */
export interface Held {
  ids: string[]
  stints: number[]
}

/**
 * Extends the leases of jobs. One whose cancel was asked for keeps its end, so that a job which ignores it is fenced.
 * @returns the ids still held; a missing one was fenced off
 */
export const extend = async (sql: Sql, { ids, stints }: Held, leaseSeconds: number): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH held AS MATERIALIZED (
      SELECT id, stint, state FROM jobs
      -- A lease that is over is left to the sweep, which steps over what is locked.
      WHERE id = ANY (${ids}::uuid[]) AND (cancel_requested_at IS NULL OR lease_until > now()) ORDER BY id
      FOR NO KEY UPDATE
    )
    UPDATE jobs SET lease_until = CASE
      WHEN jobs.cancel_requested_at IS NULL THEN now() + ${leaseSeconds} * interval '1 second' ELSE jobs.lease_until END
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

/** What jobs that a job submits have from it. */
export interface Holder {
  createdBy: string | null
  traceparent: string | null
}

/**
 * Holds a job's row for the transaction, if this stint still owns it: what makes a kind's own writes fenced. Who ends a
 * stint locks its job FOR UPDATE, and waits for the transaction; heartbeats, safe points, a cancel and who shall run after
 * the job lock it FOR NO KEY UPDATE, and don't: for ten thousand jobs that it submits, the transaction takes a while.
 * @returns null if it doesn't
 */
export const lockHeld = async (sql: Sql, id: string, stint: number): Promise<Holder | null> => {
  const [row] = await sql<Holder[]>`
    SELECT created_by, traceparent FROM jobs WHERE id = ${id} AND stint = ${stint} AND state = 'running'
    FOR KEY SHARE`
  return row ?? null
}

/** Leases that are over, oldest first; those that somebody is settling right now are left out. */
export const lockLost = (sql: Sql, limit: number): Promise<{ id: string; stint: number; queue: string }[]> => sql`
  SELECT id, stint, queue FROM jobs
  WHERE state = 'running' AND lease_until < now()
  ORDER BY lease_until LIMIT ${limit} FOR UPDATE SKIP LOCKED`

/** Ends the leases of processes that are known to be dead. @returns how many */
export const endOf = async (sql: Sql, workers: string[]): Promise<number> => {
  const rows = await sql`
    WITH held AS MATERIALIZED (
      SELECT id FROM jobs WHERE state = 'running' AND worker = ANY (${workers}::text[]) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET lease_until = least(lease_until, now() - interval '1 millisecond') FROM held WHERE jobs.id = held.id`
  return rows.count
}

/** Ends the leases of all processes but the named ones. @returns how many */
export const endExcept = async (sql: Sql, workers: string[]): Promise<number> => {
  const rows = await sql`
    WITH held AS MATERIALIZED (
      SELECT id FROM jobs WHERE state = 'running' AND worker <> ALL (${workers}::text[]) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET lease_until = least(lease_until, now() - interval '1 millisecond') FROM held WHERE jobs.id = held.id`
  return rows.count
}

/** Gives every job whose lease ran out, or does within so many seconds, another one. @returns how many */
export const grant = async (sql: Sql, leaseSeconds: number, withinSeconds: number): Promise<number> => {
  const rows = await sql`
    WITH held AS MATERIALIZED (
      SELECT id FROM jobs
      WHERE state = 'running' AND lease_until < now() + ${withinSeconds} * interval '1 second'
      ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET lease_until = now() + ${leaseSeconds} * interval '1 second' FROM held WHERE jobs.id = held.id`
  return rows.count
}
