import { createHash } from 'node:crypto'
import postgres from 'postgres'
import { type Component, ComponentError, type Exit, startChild } from './component.ts'
import { readPassword, SUPERUSER } from './postgres-cluster.ts'
import type { GuardianOptions, GuardianReady } from './postgres-guardian.ts'
import { GUARDIAN } from './postgres-lock.ts'

export interface Postgres extends Component {
  /** Of the database that was asked for. */
  url: string
  /** The same by its Unix socket, for processes of this machine; `url` where it has none. */
  socketUrl: string
  /** Of another database of the same server. */
  urlOf(database: string): string
}

export interface PostgresOptions {
  /** Where its data, its log and its password lie; made when missing. */
  dataDir: string
  /** 0 or none: any free one. */
  port?: number
  database?: string
  /** Server settings beside ours. */
  settings?: Record<string, string>
}

const DATABASE = 'stint'

/** Settings of the planner. All servers started from here have them, so that what tests say about plans holds for all. */
export const PLANNING = {
  // For SSDs. With the default of 4, PostgreSQL reads whole tables where an index leads to the few rows that are needed.
  random_page_cost: '1.1',
  // The statements are short: compiling them costs more than it gains.
  jit: 'off',
}

/** Nothing here trades durability for speed. */
const SETTINGS = {
  ...PLANNING,
  listen_addresses: '127.0.0.1',
  max_connections: '100',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  // Nobody replicates it.
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_buffers: '16MB',
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  // Claims have to skip the dead index entries of earlier claims until they are vacuumed: the default minute is long.
  autovacuum_naptime: '15s',
  // Recovery syncs the whole file system at once, and not a thousand files one by one, which took most of its time. Only Linux
  // can do that.
  ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
  TimeZone: 'UTC',
  log_timezone: 'UTC',
}

/**
 * A real PostgreSQL server, from npm, on the loopback interface with a random password. It can be killed and started
 * again on the same data; starting waits for what is left of the killed one, and for crash recovery.
 * @throws {ComponentError}
 */
export const startPostgres = async (options: PostgresOptions): Promise<Postgres> => {
  const { dataDir, port = 0, database = DATABASE, settings = {} } = options
  const guardian = await startChild<GuardianReady>({
    name: 'postgres',
    entry: GUARDIAN,
    options: { dataDir, port, settings: { ...SETTINGS, ...settings } } satisfies GuardianOptions,
    readySeconds: 300,
  })
  const { ready } = guardian
  const exited = new Promise<Exit>((resolve) => {
    guardian.process.on('message', (message: { exited?: Exit }) => {
      if (message.exited) resolve(message.exited)
    })
    void guardian.exited.then((exit) => {
      endServer(ready.pid)
      resolve(exit)
    })
  })
  const urlOf = (name: string) => urlAt(ready, name)
  try {
    await makeDatabase(urlOf('postgres'), database)
  } catch (cause) {
    // Or it would be in the way of the next attempt, for example after a full disk.
    await guardian.stop()
    const { message, detail } = cause as Partial<postgres.PostgresError>
    const why = [message ?? String(cause), detail].filter(Boolean).join('. ')
    throw new ComponentError(`postgres did start, but without the database ${database}: ${why}`, { cause })
  }
  return {
    name: 'postgres',
    pid: ready.pid,
    port: ready.port,
    url: urlOf(database),
    socketUrl: withSocket(urlOf(database), ready.socketFolder),
    urlOf,
    stop: guardian.stop,
    exited,
  }
}

const urlAt = ({ port, password }: { port: number; password: string }, database: string): string =>
  `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`

const withSocket = (url: string, socketFolder: string | undefined): string =>
  socketFolder === undefined ? url : `${url}&host=${encodeURIComponent(socketFolder)}`

/** The same database, as whom the functions connect (`giveRights`). The password is derived; it doesn't reveal the owner's. */
export const asFunctions = (url: string): string => {
  const { password } = new URL(url)
  const derived = createHash('sha256').update(`functions ${password}`).digest('base64url')
  return Object.assign(new URL(url), { username: 'stint_functions', password: derived }).href
}

/** The URL of a server that another process started on `dataDir`; undefined when there never was one. */
export const urlOfRunning = async (dataDir: string, port: number): Promise<string | undefined> => {
  const password = await readPassword(dataDir)
  return password && urlAt({ port, password }, DATABASE)
}

/** For a guardian that was killed: ends its server. */
const endServer = (pid: number): void => {
  try {
    process.kill(pid, 'SIGQUIT')
  } catch {
    // It is gone, as it should be.
  }
}

const makeDatabase = async (url: string, name: string): Promise<void> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = ${name}`
    if (found.length === 0) await sql`CREATE DATABASE ${sql(name)}`
  } finally {
    await sql.end()
  }
}
