import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { MAX_SPILL, MEMORY, THREADS } from './limits.ts'
import type { Answer } from './reader.ts'
import { literal } from './sql.ts'

// A process of its own in which DuckDB reads one file that a stranger made: `node reader-process.ts FOLDER FILE SECONDS`.
// It answers SQL statements, one at a time, each in this many seconds of the CPU, and knows no secret. Where its parent
// dies, it leaves nothing behind.

const [folder = '', file = '', statementSeconds = ''] = process.argv.slice(2)

/** How often it checks whether a statement has used up its time. */
const CHECK_MS = 250

const open = async (): Promise<DuckDBConnection> => {
  const instance = await DuckDBInstance.create(join(folder, 'work.duckdb'), {
    memory_limit: MEMORY,
    threads: String(THREADS),
    temp_directory: join(folder, 'spill'),
    max_temp_directory_size: MAX_SPILL,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await instance.connect()
  await connection.run(`SET allowed_paths = [${literal(file)}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  return connection
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A statement that is late is not interrupted: the parent, which is told, ends the process. */
const answer = async (connection: Promise<DuckDBConnection>, sql: string): Promise<Answer> => {
  const late = Promise.withResolvers<Answer>()
  const until = cpuSeconds() + Number(statementSeconds)
  const looking = setInterval(() => {
    if (cpuSeconds() > until) late.resolve({ late: true })
  }, CHECK_MS)
  return Promise.race([run(connection, sql), late.promise]).finally(() => clearInterval(looking))
}

const run = async (connection: Promise<DuckDBConnection>, sql: string): Promise<Answer> => {
  try {
    return { rows: (await (await connection).runAndReadAll(sql)).getRowObjectsJson() }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

const leave = (): void => {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  } finally {
    // Not by `exit`, which would wait for DuckDB's running statement.
    process.kill(process.pid, 'SIGKILL')
  }
}

process.on('disconnect', leave)
// Meant for the worker, who ends this process when its job has stopped.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
const connection = open()
connection.catch(() => {
  // The parent gets the error as the answer.
})
process.on('message', async (sql: string) => process.send?.(await answer(connection, sql)))
