import type { Sql } from '../client.ts'

/** Answers when the database does. */
export const ping = async (sql: Sql): Promise<void> => {
  await sql`SELECT 1`
}

/**
 * Answers when the database does, and has room on its disk. A result larger than its memory goes to a temporary file, which
 * needs neither a table nor a transaction number.
 * @throws the database's `disk_full` (53100)
 */
export const checkRoom = async (sql: Sql): Promise<void> => {
  await sql`
    SET LOCAL work_mem = '64kB';
    WITH block AS MATERIALIZED (SELECT repeat('x', 1000) FROM generate_series(1, 256)) SELECT count(*) FROM block`.simple()
}

/** The server's version: `18.4`. */
export const version = async (sql: Sql): Promise<string> => {
  const [row] = await sql<
    [{ version: string }]
  >`SELECT split_part(current_setting('server_version'), ' ', 1) AS version`
  return row.version
}
