import type { Sql } from '../client.ts'

/** The lock of whoever applies migrations, any number that nothing else locks by: "migrate", in ASCII. */
const LOCK = '30796665482998885'

/**
 * Waits until nobody else applies migrations to this database, and keeps others waiting until the transaction ends. A lock
 * in a transaction stays with its connection also behind a pooler; the transaction may stand still meanwhile, for which
 * the database would else end it.
 * @throws Postgres's `lock_not_available` after `maxSeconds`
 */
export const lock = async (tx: Sql, maxSeconds: number): Promise<void> => {
  await tx`
    SELECT pg_advisory_xact_lock(${LOCK}::bigint)
    FROM (SELECT set_config('lock_timeout', ${`${maxSeconds}s`}, true),
                 set_config('idle_in_transaction_session_timeout', '0', true)) AS settings`
}

/** The versions of the migrations that are applied, the latest first. dbmate keeps the table. */
export const listApplied = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ version: string }[]>`SELECT version FROM schema_migrations ORDER BY version DESC`
  return rows.map(({ version }) => version)
}
