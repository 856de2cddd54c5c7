import type { Sql } from '../client.ts'

export interface IdempotencyKey {
  /** The project, or for a job that jobs submit, the submitting job. Column `project_id`. */
  ownerId: string
  key: string
  /** The owner is a job: the key is kept for as long as that, and not for 24 h. */
  isJobs: boolean
  /** SHA-256 of route and canonical body, hex. */
  bodyHash: string
  /** The jobs that the request makes. */
  jobIds: string[]
}

/** A key as it is looked up. */
export type KeyName = Pick<IdempotencyKey, 'ownerId' | 'key'>

/**
 * Takes keys that are free or expired. Sorted, so that two requests never wait for each other's keys; a key
 * that another transaction is taking right now is waited for.
 * @returns the keys that were won, as `owner key`
 */
export const win = async (sql: Sql, wanted: IdempotencyKey[]): Promise<Set<string>> => {
  const rows = await sql<KeyName[]>`
    INSERT INTO idempotency_keys (project_id, key, body_hash, job_ids, expires_at)
    SELECT owner_id, key, body_hash, job_ids::jsonb,
           CASE WHEN is_jobs = 1 THEN 'infinity' ELSE now() + interval '24 hours' END
    FROM unnest(
      ${wanted.map((it) => it.ownerId)}::uuid[],
      ${wanted.map((it) => it.key)}::text[],
      ${wanted.map((it) => it.bodyHash)}::text[],
      ${wanted.map((it) => JSON.stringify(it.jobIds))}::text[],
      ${wanted.map((it) => (it.isJobs ? 1 : 0))}::smallint[]
    ) AS wanted (owner_id, key, body_hash, job_ids, is_jobs)
    ORDER BY owner_id, key
    ON CONFLICT (project_id, key) DO UPDATE
      SET body_hash = excluded.body_hash, job_ids = excluded.job_ids, expires_at = excluded.expires_at
      WHERE idempotency_keys.expires_at < now()
    RETURNING project_id AS owner_id, key`
  return new Set(rows.map((row) => `${row.ownerId} ${row.key}`))
}

/** Keys that others won. A statement of its own, so that it sees what those have committed. */
export const list = (sql: Sql, keys: KeyName[]): Promise<Omit<IdempotencyKey, 'isJobs'>[]> => sql`
  SELECT project_id AS owner_id, key, body_hash, job_ids FROM idempotency_keys
  JOIN unnest(${keys.map((it) => it.ownerId)}::uuid[], ${keys.map((it) => it.key)}::text[]) AS wanted (project_id, key)
  USING (project_id, key)`

/**
 * Removes expired keys, at most `limit`.
 *
 * Here and wherever something is pruned, the rows of a batch are found by the index of their expiry and deleted by an array of
 * their keys: a join, planned before the limit is known, reads the whole table for each batch.
 * @returns how many
 */
export const prune = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM idempotency_keys WHERE expires_at < now()
      ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}

/** Makes keys that were won in this transaction lead to other jobs. */
export const point = async (sql: Sql, keys: IdempotencyKey[]): Promise<void> => {
  await sql`
    UPDATE idempotency_keys AS held SET job_ids = given.job_ids::jsonb
    FROM unnest(
      ${keys.map((it) => it.ownerId)}::uuid[],
      ${keys.map((it) => it.key)}::text[],
      ${keys.map((it) => JSON.stringify(it.jobIds))}::text[]
    ) AS given (owner_id, key, job_ids)
    WHERE held.project_id = given.owner_id AND held.key = given.key`
}

/** Removes the keys of jobs that are retried from the start, so that they submit new jobs. */
export const forget = async (sql: Sql, jobIds: string[]): Promise<void> => {
  await sql`DELETE FROM idempotency_keys WHERE project_id = ANY (${jobIds}::uuid[])`
}
