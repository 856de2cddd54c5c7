import type { PendingQuery, Row } from 'postgres'
import type { Sql } from '../client.ts'

export interface Bucket {
  key: string
  /** Its size, and how much of it flows back in a minute. */
  perMinute: number
}

/**
 * Takes one token from `first`, and one from `second` if `first` had one. A bucket that refuses is not written, so that
 * a caller that never pauses is let in again as soon as one token has flowed back. `second` is then not touched, so that
 * nobody can empty others' buckets once their own is empty.
 * @returns whether all of them had a token
 */
export const take = async (sql: Sql, first: Bucket, second?: Bucket): Promise<boolean> => {
  if (!second) return (await takeOne(sql, first, sql`true`)).length > 0
  const rows = await sql`
    WITH first AS (${takeOne(sql, first, sql`true`)}),
    second AS (${takeOne(sql, second, sql`EXISTS (SELECT FROM first)`)})
    SELECT key FROM second`
  return rows.length > 0
}

/** `now()` of a statement that waited for a lock lies before the row's time: time never runs backwards here. */
const takeOne = (sql: Sql, { key, perMinute }: Bucket, condition: PendingQuery<Row[]>) => sql`
  INSERT INTO rate_limits AS bucket (key, tokens)
  SELECT ${key}, ${perMinute}::float8 - 1 WHERE ${condition}
  ON CONFLICT (key) DO UPDATE SET
    tokens = least(
      excluded.tokens + 1,
      bucket.tokens + greatest(0, extract(epoch FROM now() - bucket.updated_at)) * (excluded.tokens + 1) / 60
    ) - 1,
    updated_at = greatest(bucket.updated_at, now())
  WHERE bucket.tokens + greatest(0, extract(epoch FROM now() - bucket.updated_at)) * (excluded.tokens + 1) / 60 >= 1
  RETURNING bucket.key`

/** Removes up to `limit` buckets that nobody took from for ten minutes: they are full again, which is what no row means. */
export const deleteStale = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM rate_limits WHERE key = ANY (ARRAY (
      SELECT key FROM rate_limits WHERE updated_at < now() - interval '10 minutes'
      ORDER BY updated_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}
