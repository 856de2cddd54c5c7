import type { Sql } from '../../db/client.ts'

/** How many rows of a table a transaction's work reads, and whatever it resolves to. */
export const rowsRead = async <T>(
  tx: Sql,
  work: () => Promise<T>,
  table = 'jobs',
): Promise<{ result: T; rows: number }> => {
  const before = await readSoFar(tx, table)
  const result = await work()
  return { result, rows: (await readSoFar(tx, table)) - before }
}

/** How many rows of a table this connection has read; what it read before the transaction may be among them. */
export const readSoFar = async (tx: Sql, table = 'jobs'): Promise<number> => {
  const [row] = await tx<[{ rows: number }]>`
    SELECT (seq_tup_read + idx_tup_fetch)::integer AS rows FROM pg_stat_xact_user_tables WHERE relname = ${table}`
  return row.rows
}
