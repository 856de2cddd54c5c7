import type { Sql } from '../client.ts'

/** Answers when the database does. */
export const ping = async (sql: Sql): Promise<void> => {
  await sql`SELECT 1`
}
