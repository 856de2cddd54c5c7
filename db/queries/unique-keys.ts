import type { Sql } from '../client.ts'
import { hasExpired } from './expiries.ts'
import type { JobState } from './jobs.ts'

export interface UniqueKey {
  projectId: string
  key: string
  jobId: string
  /** The key is kept for at least this long, even if its job ends earlier. */
  forSeconds: number
}

export interface Holder {
  projectId: string
  key: string
  jobId: string
  /** Null when the job is gone. */
  state: JobState | null
  /** Whether the time for which it keeps the key at least (`forSeconds`) is over. */
  expired: boolean
  /** Whether the job has expired (`expires_at`) and only not been cancelled yet. */
  jobExpired: boolean
  /** Whether the job that wants the key is there already. */
  wanterIsThere: boolean
}

/** Takes keys that nobody has, and locks all of them, in order. @returns the keys that were free, as `project key` */
export const takeFree = async (sql: Sql, wanted: UniqueKey[]): Promise<Set<string>> => {
  const rows = await sql<{ projectId: string; key: string; jobId: string }[]>`
    INSERT INTO unique_keys (project_id, key, job_id, until)
    SELECT project_id, key, job_id, now() + for_seconds * interval '1 second'
    FROM unnest(
      ${wanted.map((it) => it.projectId)}::uuid[],
      ${wanted.map((it) => it.key)}::text[],
      ${wanted.map((it) => it.jobId)}::uuid[],
      ${wanted.map((it) => it.forSeconds)}::integer[]
    ) AS wanted (project_id, key, job_id, for_seconds)
    ORDER BY project_id, key
    ON CONFLICT (project_id, key) DO UPDATE SET project_id = excluded.project_id
    RETURNING project_id, key, job_id`
  const ours = new Set(wanted.map((it) => it.jobId))
  return new Set(rows.filter((row) => ours.has(row.jobId)).map((row) => `${row.projectId} ${row.key}`))
}

/** Who holds keys that are locked by now. A statement of its own, so that it sees jobs committed before the lock. */
export const listHolders = (
  sql: Sql,
  wanted: Pick<UniqueKey, 'projectId' | 'key' | 'jobId'>[],
): Promise<Holder[]> => sql`
  SELECT held.project_id, held.key, held.job_id, jobs.state, held.until < now() AS expired,
         coalesce(${hasExpired(sql)}, false) AS job_expired,
         wanter.id IS NOT NULL AS wanter_is_there
  FROM unnest(
    ${wanted.map((it) => it.projectId)}::uuid[],
    ${wanted.map((it) => it.key)}::text[],
    ${wanted.map((it) => it.jobId)}::uuid[]
  ) AS wanted (project_id, key, wanter_id)
  JOIN unique_keys AS held USING (project_id, key)
  LEFT JOIN jobs ON jobs.id = held.job_id
  LEFT JOIN (SELECT id FROM jobs) AS wanter ON wanter.id = wanter_id`

/** Gives locked keys to other jobs. */
export const pass = async (sql: Sql, keys: UniqueKey[]): Promise<void> => {
  await sql`
    UPDATE unique_keys AS held SET job_id = given.job_id, until = now() + given.for_seconds * interval '1 second'
    FROM unnest(
      ${keys.map((it) => it.projectId)}::uuid[],
      ${keys.map((it) => it.key)}::text[],
      ${keys.map((it) => it.jobId)}::uuid[],
      ${keys.map((it) => it.forSeconds)}::integer[]
    ) AS given (project_id, key, job_id, for_seconds)
    WHERE held.project_id = given.project_id AND held.key = given.key`
}

export interface KeyName {
  projectId: string
  key: string
}

/**
 * Locks keys whose time is over and whose job is no longer live, at most `limit`, in the order in which their times ended. It
 * begins at `from`, so that the keys of live jobs before it are not looked at again. Keys that somebody is taking are left out.
 */
export const lockExpired = (sql: Sql, from: Date | null, limit: number): Promise<(KeyName & { until: Date })[]> => sql`
  SELECT project_id, key, until FROM unique_keys
  WHERE until >= coalesce(${from}::timestamptz, '-infinity') AND ${isOver(sql)}
  ORDER BY until LIMIT ${limit} FOR UPDATE SKIP LOCKED`

/** Removes locked keys. A statement of its own, so that it sees jobs that took them right before the lock. */
export const removeExpired = async (sql: Sql, keys: KeyName[]): Promise<void> => {
  await sql`
    DELETE FROM unique_keys
    WHERE (project_id, key) IN (
      SELECT * FROM unnest(${keys.map((it) => it.projectId)}::uuid[], ${keys.map((it) => it.key)}::text[])
    ) AND ${isOver(sql)}`
}

/** The job is looked up by its id: a NOT EXISTS, planned for many keys, reads all jobs to find those that are live. */
const isOver = (sql: Sql) => sql`
  until < now() AND coalesce((
    SELECT state NOT IN ('blocked', 'queued', 'running') FROM jobs WHERE jobs.id = unique_keys.job_id
  ), true)`
