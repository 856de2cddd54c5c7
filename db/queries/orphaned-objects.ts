import type { Sql } from '../client.ts'

/** Ends or goes into a statement whose `removed` are rows of objects: what lost them becomes an orphan. */
export const orphan = (sql: Sql) => sql`
  INSERT INTO orphaned_objects (object_key) SELECT object_key FROM removed ON CONFLICT DO NOTHING`

/** Objects that lost their row, the longest ago first; not those yet that may still come. */
export const list = async (sql: Sql, limit: number): Promise<string[]> => {
  const rows = await sql<{ objectKey: string }[]>`
    SELECT object_key FROM orphaned_objects WHERE orphaned_at <= now() ORDER BY orphaned_at, object_key LIMIT ${limit}`
  return rows.map((row) => row.objectKey)
}

/** Leaves objects for this many seconds. */
export const postpone = async (sql: Sql, keys: string[], seconds: number): Promise<void> => {
  await sql`
    UPDATE orphaned_objects SET orphaned_at = now() + ${seconds} * interval '1 second'
    WHERE object_key = ANY (${keys}::text[])`
}

/** Forgets objects that are gone. */
export const forget = async (sql: Sql, keys: string[]): Promise<void> => {
  await sql`DELETE FROM orphaned_objects WHERE object_key = ANY (${keys}::text[])`
}
