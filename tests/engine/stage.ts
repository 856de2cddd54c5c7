import { basename } from 'node:path'
import { inject } from 'vitest'
import { createPool, type Pool } from '../../db/client.ts'
import { withDatabase } from '../support/given-stack.ts'
import { installArchive } from './archive.ts'
import { installClock } from './database-clock.ts'
import { PARTS, type Part } from './moves.ts'
import { openPool } from './process.ts'

/** What many programs share, one after the other, since making it takes long: the database and connections to it. */
export interface Stage {
  /** A connection of the test's own. */
  admin: Pool
  environment: Record<string, string>
  pools: Record<Part, Pool>
  /** Removes what a program left. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** Sets the stage in a migrated database of the test's own, which nobody has connected to. */
export const setStage = async (environment: Record<string, string>): Promise<Stage> => {
  const filled = await prepare(environment['DATABASE_URL'] ?? '')
  const admin = openPool(environment, 'the test')
  const pools = Object.fromEntries(PARTS.map((part) => [part, openPool(environment, part)])) as Stage['pools']
  return {
    admin,
    environment,
    pools,
    clear: async () => {
      await admin.unsafe(filled.map((name) => `DELETE FROM ${name};`).join('\n'))
    },
    close: async () => {
      await Promise.all([admin, ...Object.values(pools)].map((pool) => pool.end()))
    },
  }
}

/**
 * Puts into a database what the stage has besides. Not through a pooler, which would give the connection to a process of
 * the stage afterwards: it has Postgres's clock. @returns the tables that programs write into
 */
const prepare = async (databaseUrl: string): Promise<string[]> => {
  const url = withDatabase(inject('stack').adminUrl, basename(new URL(databaseUrl).pathname))
  const sql = createPool({ url, maxConnections: 1, prepare: false, applicationName: 'the test' })
  try {
    await installClock(sql)
    await sql`
      CREATE TABLE numbers (
        id bigint GENERATED ALWAYS AS IDENTITY, job_id uuid NOT NULL, stint integer NOT NULL, number integer NOT NULL,
        held boolean NOT NULL
      )`
    await installArchive(sql)
    // The archive last: it takes what is deleted before.
    const rows = await sql<{ name: string }[]>`
      SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname IN ('public', 'clock', 'archive') AND tablename NOT IN ('schema_migrations', 'queues')
      ORDER BY schemaname = 'archive'`
    return rows.map(({ name }) => name)
  } finally {
    await sql.end()
  }
}
