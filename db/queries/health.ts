import type { Sql } from '../client.ts'

/** Answers when the database does. */
export const ping = async (sql: Sql): Promise<void> => {
  await sql`SELECT 1`
}

/** The server's version: `18.4`. */
export const version = async (sql: Sql): Promise<string> => {
  const [row] = await sql<
    [{ version: string }]
  >`SELECT split_part(current_setting('server_version'), ' ', 1) AS version`
  return row.version
}
