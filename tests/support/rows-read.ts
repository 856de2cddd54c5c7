import type { Sql } from '../../db/client.ts'

/** How many rows of the table jobs a transaction's work reads, and whatever it resolves to. */
export const rowsRead = async <T>(tx: Sql, work: () => Promise<T>): Promise<{ result: T; rows: number }> => {
  const before = await count(tx)
  const result = await work()
  return { result, rows: (await count(tx)) - before }
}

/** By this connection; what it read before the transaction may be among them. */
const count = async (tx: Sql): Promise<number> => {
  const [row] = await tx<[{ rows: number }]>`
    SELECT (seq_tup_read + idx_tup_fetch)::integer AS rows FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`
  return row.rows
}
