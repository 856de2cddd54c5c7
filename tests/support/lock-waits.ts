import { expect } from 'vitest'
import type { Sql } from '../../db/client.ts'

/** Resolves once one statement waits for another transaction's lock. */
export const untilOneWaits = async (sql: Sql): Promise<void> => {
  const waiting = () =>
    sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await expect.poll(waiting).toHaveLength(1)
}
