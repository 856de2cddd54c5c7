import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { arrays } from './arrays.ts'

/** A connection pool, or a transaction on one connection: what every query function takes first. */
export type Sql = postgres.Sql | postgres.TransactionSql
export type Pool = postgres.Sql

export interface PoolOptions {
  /** `…?host=/run/postgresql` for a Unix socket, as libpq has it (PostgreSQL: "Connection URIs"). */
  url: string
  maxConnections: number
  /**
   * Named prepared statements, and statements that are sent before the one ahead of them is answered. Off behind a pooler
   * that shares connections between transactions: it can't track the first, and may lose the second.
   */
  prepare: boolean
  applicationName: string
  /** How long a statement may go without a byte of its answer; {@link SILENCE_SECONDS} if it isn't said. */
  silenceSeconds?: number
  /**
   * For statements that may take long: how long each of them may, and none is sent behind another. Behind a pooler, which
   * takes no settings, they may take any time.
   */
  longestSeconds?: number
}

/**
 * How long a connection is kept that nobody uses: less than networks do, 350 s on AWS ("Amazon VPC: NAT gateways"). One
 * that is made anew plans each statement five times before it keeps a plan; the first caller after it waits for all of that.
 */
const IDLE_SECONDS = 300

/**
 * After how long without a byte of an answer the connection counts as lost, which TCP by itself takes a quarter of an hour
 * to find out where the machine or the network at the other end is gone without a word. No statement of ours takes as
 * long: functions that answer HTTP have half of it.
 */
export const SILENCE_SECONDS = 60

/**
 * A pool of lazily opened connections. Columns come back in camelCase; JSON inside them stays as it was stored.
 * Where it isn't to prepare, it sets nothing per session that a transaction pooler (RDS Proxy, PgBouncer) would lose.
 */
export const createPool = ({
  url,
  maxConnections,
  prepare,
  applicationName,
  silenceSeconds = SILENCE_SECONDS,
  longestSeconds,
}: PoolOptions): Pool => {
  const { address, socketFolder } = addressOf(url)
  return postgres(address, {
    ...(socketFolder && { host: socketFolder }),
    max: maxConnections,
    prepare,
    ...((!prepare || longestSeconds) && { max_pipeline: 0 }),
    idle_timeout: IDLE_SECONDS,
    connect_timeout: 10,
    silence_timeout: silenceSeconds,
    // Tries of all connections count together: by itself, a pool that lost them all at once would pause for 20 s.
    backoff: () => 0.1 + Math.random() / 5,
    connection: {
      application_name: applicationName,
      ...(prepare && longestSeconds && { statement_timeout: 1_000 * longestSeconds }),
    },
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel }, undefined: null },
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String }, ...arrays() },
    fetch_types: false,
    onnotice: () => {},
  })
}

/** postgres.js would send a `host` in the URL to the server, as a setting of the session. */
const addressOf = (url: string): { address: string; socketFolder?: string } => {
  const parsed = new URL(url)
  const host = parsed.searchParams.get('host')
  if (!host?.startsWith('/')) return { address: url }
  parsed.searchParams.delete('host')
  return { address: parsed.href, socketFolder: host }
}

/** What also belongs in a transaction: it happens with the rest of it, or not at all. */
export type Alongside<Args extends unknown[] = []> = (tx: Sql, ...args: Args) => Promise<unknown>

const RETRIED = new Set(['40001', '40P01'])
const MAX_TRIES = 5

/**
 * Runs `work` in one transaction. Deadlocks and serialization failures are tried five times in all.
 * @throws whatever `work` throws, after the rollback
 */
export const transaction = async <T>(pool: Pool, work: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> =>
  retryConflicts(() => begin(pool, work))

/** How long after a statement failed for want of a connection the end of the connection may become known. */
const BREAK_MS = 1_000

/**
 * One transaction, whole or not at all. When its connection breaks, postgres.js rolls back over a socket that is gone,
 * which throws where nobody can catch it (github.com/porsager/postgres/issues/1154), and runs the statements that are
 * left on the connection made anew, outside of any transaction. So from the break on `work` gets nothing done any more,
 * and postgres.js never hears how it ended.
 */
const begin = async <T>(pool: Pool, work: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> => {
  let broken: { error: unknown } | undefined
  const begun = pool.begin(async (tx) => {
    try {
      const result = await work(unlessBroken(tx, () => broken))
      if (!broken) return result
    } catch (error) {
      if (isBroken(error)) await Promise.race([begun.catch(() => {}), sleep(BREAK_MS, undefined, { ref: false })])
      if (!broken) throw error
    }
    return new Promise<never>(() => {})
  })
  try {
    return (await begun) as T
  } catch (error) {
    broken = { error }
    throw error
  }
}

/** A transaction that runs no statement any more once it is `broken`, nor does a part of it that ends with a savepoint. */
const unlessBroken = (
  tx: postgres.TransactionSql,
  broken: () => { error: unknown } | undefined,
): postgres.TransactionSql => {
  const run = (statement: (...args: never[]) => unknown, args: unknown[]): unknown => {
    const why = broken()
    return why ? rejected(why.error) : Reflect.apply(statement, undefined, args)
  }
  return new Proxy(tx, {
    apply: (target, _, args) => run(target, args),
    get: (target, name) => {
      if (name === 'unsafe' || name === 'file') return (...args: unknown[]) => run(target[name], args)
      if (name !== 'savepoint') return Reflect.get(target, name)
      return (...args: [...name: string[], work: (part: postgres.TransactionSql) => unknown]) => {
        const work = args.pop() as (part: postgres.TransactionSql) => unknown
        return run(target.savepoint, [...args, (part: postgres.TransactionSql) => work(unlessBroken(part, broken))])
      }
    },
  })
}

/** Rejects once it is awaited. A part of another statement is never awaited, and its rejection would end the process. */
const rejected = (error: unknown): Promise<never> => {
  const never = Promise.reject(error)
  never.catch(() => {})
  return never
}

/** Runs one statement, or one transaction, again when Postgres chose it as a deadlock's victim: five times in all. */
export const retryConflicts = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === MAX_TRIES || !(error instanceof postgres.PostgresError) || !RETRIED.has(error.code)) throw error
    }
  }
}

/** The name of the constraint that a statement broke, or undefined for every other error. */
export const brokenConstraint = (error: unknown): string | undefined =>
  error instanceof postgres.PostgresError && error.code.startsWith('23') ? error.constraint_name : undefined

const BROKEN = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND', // a name may have no address while its server is replaced
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECTION_SILENT',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '25P03', // idle_in_transaction_session_timeout
  '53300', // too_many_connections
])

/** SQLSTATE's class of connection exceptions: poolers answer with them in place of a server. */
const CONNECTION_EXCEPTION = /^08...$/

/** After a failover, from the server that was the primary. */
const READ_ONLY = '25006'

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

/**
 * Errors of connecting: a Unix socket is missing while its server isn't running, and refuses while too many wait; and this process,
 * or its machine, may have no descriptor left.
 */
const NO_SOCKET = new Set(['ENOENT', 'EAGAIN', 'EMFILE', 'ENFILE'])

const isBroken = (error: unknown): boolean =>
  BROKEN.has(codeOf(error)) ||
  CONNECTION_EXCEPTION.test(codeOf(error)) ||
  (NO_SOCKET.has(codeOf(error)) && (error as NodeJS.ErrnoException).syscall === 'connect')

/** Whether an error says that a server could not be reached or went away: worth another try later. */
export const isUnreachable = (error: unknown): boolean => isBroken(error) || codeOf(error) === READ_ONLY

/** SQLSTATE's class of insufficient resources. */
const INSUFFICIENT_RESOURCES = /^53...$/

/**
 * Whether a server could not be reached, or has no disk, memory or connection left: nothing of the request was refused, and
 * all of it may succeed later.
 */
export const isUnavailable = (error: unknown): boolean =>
  isUnreachable(error) || INSUFFICIENT_RESOURCES.test(codeOf(error))

/** Waits for a lock that took too long, cancelled statements, and conflicts that further tries did not solve. */
const GIVEN_UP = new Set(['55P03', '57014', ...RETRIED])

/** Whether a statement waited for a lock for as long as it may. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03'

/** Whether the server gave up a statement through no fault of its caller: it may succeed later. */
export const isGivenUp = (error: unknown): boolean => GIVEN_UP.has(codeOf(error))

/** Whether a server has no disk space left to write to. */
export const isOutOfDisk = (error: unknown): boolean => codeOf(error) === '53100'

/** SQLSTATEs of a wrong user or password, and of a database that isn't there. */
const NO_SESSION = /^(28|3D)/

/** Whether a server refuses who connects, or has no such database: its settings are wrong. */
export const isRefusedSession = (error: unknown): boolean => NO_SESSION.test(codeOf(error))

/** Values that don't fit their type, constraints, limits of the server's. */
const REFUSED = /^(22|23|54)/

/** Whether Postgres refuses what it was given: it would each time. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof postgres.PostgresError && REFUSED.test(error.code)
