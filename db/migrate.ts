import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { resolveBinary } from 'dbmate'

/** Migrations are plain SQL; dbmate applies them, each in a transaction of its own. */
const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url))

/**
 * A migration that waits for a lock blocks everything that queues behind it, during a backup for as long as that takes. So
 * each gives up after a few seconds (`SET LOCAL lock_timeout`), lets the others through, and is tried again. So is one that
 * Postgres chose as a deadlock's victim.
 */
const TRIES = 20
const PAUSE_MS = 2_000
/** lock_not_available, deadlock_detected */
const GAVE_WAY = /\((55P03|40P01)\)/

export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/** Creates the database if it is missing, and applies pending migrations. @throws {MigrationError} with dbmate's output */
export const migrateUp = (url: string): Promise<string> => succeed('up', url)

/** Applies the pending migrations of an existing database. @returns dbmate's output @throws {MigrationError} with the same */
export const applyMissing = (url: string): Promise<string> => succeed('migrate', url)

/** Rolls back the latest migration. @throws {MigrationError} also when there is none */
export const migrateDown = (url: string): Promise<string> => succeed('down', url)

/** Lists all migrations, those with [X] are applied. @throws {MigrationError} when the database doesn't answer */
export const migrationStatus = (url: string): Promise<string> => succeed('status', url)

const succeed = async (command: string, url: string): Promise<string> => {
  let said = ''
  for (let attempt = 1; ; attempt++) {
    const { code, output } = await dbmate([command], url, 'pipe')
    said += output
    if (code === 0) return said.trim()
    if (attempt === TRIES || !GAVE_WAY.test(output)) break
    await sleep(PAUSE_MS)
  }
  throw new MigrationError(`dbmate ${command} failed: ${said.trim()}`)
}

/** Runs dbmate to its end. @param stdio `inherit`: it prints by itself, and `output` is empty */
export const dbmate = (
  args: string[],
  url: string | undefined,
  stdio: 'pipe' | 'inherit',
): Promise<{ code: number | null; output: string }> => {
  // The URL goes by the environment: a command line is shown to every user of the machine.
  const env = { ...process.env, ...(url && { DATABASE_URL: forDriver(url) }) }
  const child = spawn(resolveBinary(), ['--no-dump-schema', '--migrations-dir', MIGRATIONS, ...args], {
    // Otherwise it reads a file .env in its working directory.
    cwd: MIGRATIONS,
    env,
    stdio: ['ignore', stdio, stdio],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/**
 * dbmate's driver asks for TLS unless told otherwise, the app's doesn't: on this machine both go without. And it sends a
 * statement in two parts, of which a pooler may give each to another connection, unless its parameters are binary.
 */
const forDriver = (url: string): string => {
  const parsed = new URL(url)
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname)
  if (local && !parsed.searchParams.has('sslmode')) parsed.searchParams.set('sslmode', 'disable')
  parsed.searchParams.set('binary_parameters', 'yes')
  return parsed.href
}
