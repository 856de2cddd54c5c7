import type { Pool } from '../../db/client.ts'

/** From now on nothing flows back into the rate limits that are there, however long the tries take. */
export const stopTime = async ({ sql }: { sql: Pool }): Promise<void> => {
  await sql`UPDATE rate_limits SET updated_at = updated_at + interval '1 day'`
}
