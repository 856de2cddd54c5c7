import type { Sql } from '../client.ts'

export interface Bucket {
  key: string
  /** Its size, and how much of it flows back in a minute. */
  perMinute: number
}

/**
 * Takes one token from each bucket that has one. A refusal writes nothing, so that who hammers is let in again as soon
 * as one token has flowed back. Rows are locked in the order of their keys. `now()` of a statement that waited for a
 * lock lies before the row's time: time never runs backwards here.
 * @returns the keys of the buckets that had a token
 */
export const take = async (sql: Sql, buckets: Bucket[]): Promise<string[]> => {
  const rows = await sql<{ key: string }[]>`
    INSERT INTO rate_limits AS bucket (key, tokens)
    SELECT key, per_minute - 1
    FROM unnest(${buckets.map((bucket) => bucket.key)}::text[], ${buckets.map((bucket) => bucket.perMinute)}::float8[])
      AS wanted (key, per_minute)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
      tokens = least(
        excluded.tokens + 1,
        bucket.tokens + greatest(0, extract(epoch FROM now() - bucket.updated_at)) * (excluded.tokens + 1) / 60
      ) - 1,
      updated_at = greatest(bucket.updated_at, now())
    WHERE bucket.tokens + greatest(0, extract(epoch FROM now() - bucket.updated_at)) * (excluded.tokens + 1) / 60 >= 1
    RETURNING bucket.key`
  return rows.map((row) => row.key)
}

/** Removes up to `limit` buckets that nobody took from for ten minutes: they are full again, which is what no row means. */
export const deleteStale = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM rate_limits WHERE key IN (
      SELECT key FROM rate_limits WHERE updated_at < now() - interval '10 minutes'
      ORDER BY key LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )`
  return rows.count
}
