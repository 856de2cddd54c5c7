import { createPool } from '../../../db/client.ts'
import { type App, createApp } from '../../../lib/app.ts'
import { type Config, readConfig } from '../../../lib/core/config.ts'
import { takeTurns } from '../../../lib/core/take-turns.ts'
import { nudgeWaiters } from '../../../lib/jobs/await-end.ts'
import { gatherDoorbells } from '../queues/gathered-doorbells.ts'

export type Environment = Record<string, string | undefined>

/** Connections to Postgres: many requests at once in the host, one invocation at a time in a worker. */
const HOST_CONNECTIONS = '16'
const WORKER_CONNECTIONS = '4'

/** A search keeps a core busy. Many come at once: a page asks for several things, and is open several times. */
const SCANS = { atOnce: 4, ofOne: 2, waitingOfOne: 100, waitMs: 10_000 }
/** Longer than any request for one: then nobody waits for it. */
const SCAN_SECONDS = 30

/**
 * The environment of the host's child processes, without the keys that sign tokens: none of them signs anybody in, and jobs
 * handle data of strangers, so that one day one may leak its environment.
 */
export const workerEnvironment = ({
  AUTH_SIGNING_KEYS: _,
  AUTH_REFRESH_KEY: __,
  ...env
}: Environment): Environment => ({
  DATABASE_MAX_CONNECTIONS: WORKER_CONNECTIONS,
  ...env,
})

/** @throws {ConfigError} that lists every variable that is wrong */
export const hostAppConfig = (env: Environment): Config =>
  readConfig({ DATABASE_MAX_CONNECTIONS: HOST_CONNECTIONS, ...env })

/** The app of a process that answers many requests at once, and goes on after its answers. */
export const createHostApp = async (config: Config, name: string, given: Partial<App>): Promise<App> => {
  const { url, prepare } = config.database
  const scanned = createPool({
    url,
    prepare,
    maxConnections: SCANS.atOnce,
    applicationName: `${name}-scans`,
    longestSeconds: SCAN_SECONDS,
  })
  const inTurn = takeTurns(SCANS)
  const app = await createApp(config, name, { ...given, scan: (userId, read) => inTurn(userId, () => read(scanned)) })
  return {
    ...app,
    queue: gatherDoorbells(app.queue, app.log),
    close: async () => void (await Promise.all([app.close(), scanned.end({ timeout: 5 })])),
  }
}

/** Something was committed, here or in a worker: whoever waits for news looks now, and not in a second. */
export const onCommitted = (app: App, nudge: (functionName: string) => void): void => {
  nudge('relay')
  nudgeWaiters(app)
}
