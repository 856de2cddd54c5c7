import type { TransactionSql } from 'postgres'
import { isLockTimeout, type Sql } from '../client.ts'

/** The advisory lock of whoever applies migrations. Any unused number will do: "migrate", in ASCII. */
const LOCK = '30796665482998885'

/** A statement must not wait as long as a connection may be silent. */
const TURN_SECONDS = 30

/**
 * Waits until nobody else applies migrations to this database, and keeps others waiting until the transaction ends. A lock
 * in a transaction stays with its connection also behind a pooler; the transaction may stand still meanwhile, for which
 * the database would otherwise end it.
 * @throws Postgres's `lock_not_available` after `maxSeconds`
 */
export const lock = async (tx: TransactionSql, maxSeconds: number, turnSeconds = TURN_SECONDS): Promise<void> => {
  await tx`SELECT set_config('idle_in_transaction_session_timeout', '0', true)`
  for (let left = maxSeconds; ; left -= turnSeconds) {
    try {
      return await lockWithin(tx, Math.min(left, turnSeconds))
    } catch (error) {
      if (!isLockTimeout(error) || left <= turnSeconds) throw error
    }
  }
}

const lockWithin = async (tx: TransactionSql, seconds: number): Promise<void> => {
  await tx.savepoint(
    (turn) => turn`
      SELECT pg_advisory_xact_lock(${LOCK}::bigint) FROM set_config('lock_timeout', ${`${seconds}s`}, true)`,
  )
}

/** The versions of the migrations that are applied, the latest first. dbmate keeps the table. */
export const listApplied = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ version: string }[]>`SELECT version FROM schema_migrations ORDER BY version DESC`
  return rows.map(({ version }) => version)
}
