import type { Sql } from '../client.ts'

/** Takes note of an object that is about to be put. Its row, when it is inserted, takes the note away. */
export const insert = async (sql: Sql, objectKey: string): Promise<void> => {
  await sql`INSERT INTO pending_objects (object_key) VALUES (${objectKey})`
}

/** Makes orphans of objects whose row didn't come in so many seconds, at most `limit`. @returns how many */
export const giveUp = async (sql: Sql, overSeconds: number, limit: number): Promise<number> => {
  const rows = await sql`
    WITH given_up AS (
      DELETE FROM pending_objects WHERE object_key IN (
        SELECT object_key FROM pending_objects WHERE noted_at < now() - ${overSeconds} * interval '1 second'
        LIMIT ${limit}
      ) RETURNING object_key
    ), orphaned AS (
      INSERT INTO orphaned_objects (object_key) SELECT object_key FROM given_up ON CONFLICT DO NOTHING
    )
    SELECT FROM given_up`
  return rows.count
}
