import { expect } from 'vitest'
import type { Sql } from '../../db/client.ts'

/** Resolves once this many statements wait for another transaction's lock. */
export const untilWaiting = async (sql: Sql, statements: number): Promise<void> => {
  const waiting = () =>
    sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await expect.poll(waiting).toHaveLength(statements)
}

export const untilOneWaits = (sql: Sql): Promise<void> => untilWaiting(sql, 1)
