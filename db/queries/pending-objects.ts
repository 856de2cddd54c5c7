import type { Sql } from '../client.ts'
import { orphan } from './orphaned-objects.ts'

/** Takes note of an object that is about to be put. Its row, when it is inserted, takes the note away. */
export const insert = async (sql: Sql, objectKey: string): Promise<void> => {
  await sql`INSERT INTO pending_objects (object_key) VALUES (${objectKey})`
}

/** Makes orphans of objects whose row didn't come in this many seconds, at most `limit`. @returns how many */
export const giveUp = async (sql: Sql, overSeconds: number, limit: number): Promise<number> => {
  const rows = await sql`
    WITH removed AS (
      DELETE FROM pending_objects WHERE object_key = ANY (ARRAY (
        SELECT object_key FROM pending_objects WHERE noted_at < now() - ${overSeconds} * interval '1 second'
        LIMIT ${limit}
      )) RETURNING object_key
    ), orphaned AS (
      ${orphan(sql)}
    )
    SELECT FROM removed`
  return rows.count
}
