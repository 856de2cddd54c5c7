import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pool } from '../db/client.ts'

/** What the stack has spent since it started. */
export interface Counters {
  sqsRequests: number
  /** Transactions. Nearly every statement is one, and one round trip. */
  transactions: number
  walBytes: number
}

/** Postgres reports the statistics of a backend at most a second after its last statement. */
export const STATISTICS_LAG_MS = 1_200

export const readCounters = async (sql: Pool, countsFolder: string): Promise<Counters> => {
  const [row] = await sql<[{ transactions: number; walBytes: number }]>`
    SELECT (xact_commit + xact_rollback)::bigint AS transactions,
           pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal_bytes
    FROM pg_stat_database WHERE datname = current_database()`
  return { ...row, sqsRequests: sumOfFiles(countsFolder) }
}

const sumOfFiles = (folder: string): number => {
  let sum = 0
  for (const name of filesOf(folder)) sum += Number(readFileSync(join(folder, name), 'utf8'))
  return sum
}

const filesOf = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
