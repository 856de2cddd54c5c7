import { pino } from 'pino'
import { createPool, type Pool } from '../../db/client.ts'
import { type App, createApp } from '../../lib/app.ts'
import { ConfigError, readConfig } from '../../lib/core/config.ts'
import { readHostConfig } from '../../lib/core/host-config.ts'
import { environmentOfRunning, missingOfRunning } from '../local/supervisor/running-stack.ts'
import { CommandError, EXIT, type Io } from './io.ts'

/** Required by the functions' configuration, but not needed here: no command publishes events. */
const UNUSED = { KAFKA_BROKERS: 'localhost:9092' }

/**
 * The environment of the stage to work on: the one in which DATABASE_URL names it, or else that of the stack that runs
 * on the data folder.
 * @throws {CommandError}
 */
const findStage = async ({ env }: Io): Promise<Record<string, string | undefined>> => {
  if (env['DATABASE_URL']) return { ...UNUSED, ...env }
  const { dataDir } = readHostConfig(env)
  const running = await environmentOfRunning(dataDir)
  // A stack sends mails about accounts, with links to its PUBLIC_URL, whichever that is.
  if (running) return { PUBLIC_URL: 'http://localhost', ...env, ...running }
  const missing = missingOfRunning(dataDir)
  const message =
    missing.length > 0
      ? `The stack on ${dataDir} runs without ${missing.join(' and ')} just now; where \`npm start\` runs it says why.`
      : `Nothing to work on: DATABASE_URL is not set, and no stack runs on ${dataDir}.\n` +
        'Start one with `npm start`, or set STINT_DATA_DIR to its folder.'
  throw new CommandError(message, EXIT.unreachable)
}

/** Does something with the database of the stage that the environment names. @throws {CommandError} as withApp */
export const withDatabase = async <T>(
  io: Io,
  work: (sql: Pool, env: Record<string, string | undefined>) => Promise<T>,
): Promise<T> => {
  const env = await findStage(io)
  const url = env['DATABASE_URL'] ?? ''
  if (!URL.canParse(url)) throw new CommandError('DATABASE_URL is not a URL.', EXIT.unreachable)
  const sql = createPool({ url, maxConnections: 1, prepare: false, applicationName: 'cli' })
  try {
    return await work(sql, env)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/**
 * Does something with the app of the stage that the environment names, and closes it. Its log goes to standard error.
 * @throws {CommandError} when the stage can't be told or its Postgres can't be reached
 */
export const withApp = async <T>(io: Io, work: (app: App) => Promise<T>): Promise<T> => {
  const env = await findStage(io)
  const log = pino({ level: io.env['LOG_LEVEL'] ?? 'error' }, { write: (line) => io.err(line.trimEnd()) })
  const app = await createApp(readStage(env), 'cli', { log })
  try {
    return await work(app)
  } finally {
    await app.close()
  }
}

const readStage = (env: Record<string, string | undefined>) => {
  try {
    return readConfig(env)
  } catch (cause) {
    if (cause instanceof ConfigError) throw new CommandError(cause.message, EXIT.unreachable, { cause })
    throw cause
  }
}
