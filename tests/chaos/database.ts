import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, isUnreachable, type Pool } from '../../db/client.ts'
import { readRunFile } from '../../infra/local/supervisor/run-file.ts'

/** The stack's own database, to see what is true. It is away while it is killed. */
export interface Database {
  /** Tries until Postgres answers. */
  read<T>(work: (sql: Pool) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const PATIENCE_MS = 300_000

export const openDatabase = (dataDir: string): Database => {
  let open: { port: number; sql: Pool } | undefined

  const pool = (): Pool => {
    const port = readRunFile(dataDir).find(({ name }) => name === 'postgres')?.port ?? open?.port
    if (!port) throw Object.assign(new Error('Postgres has no port yet'), { code: 'ECONNREFUSED' })
    if (open?.port === port) return open.sql
    void open?.sql.end({ timeout: 0 })
    const password = readFileSync(join(dataDir, 'postgres/password'), 'utf8')
    const url = `postgres://stint:${password}@127.0.0.1:${port}/stint?sslmode=disable`
    open = { port, sql: createPool({ url, maxConnections: 4, prepare: true, applicationName: 'chaos' }) }
    return open.sql
  }

  return {
    read: async (work) => {
      for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(20)) {
        try {
          return await work(pool())
        } catch (error) {
          if (!isUnreachable(error) || performance.now() > deadline) throw error
        }
      }
    },
    close: async () => void (await open?.sql.end({ timeout: 5 })),
  }
}
