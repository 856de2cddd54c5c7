import { type App, createApp } from '../../lib/app.ts'
import { type Config, readConfig } from '../../lib/core/config.ts'
import { nudgeWaiters } from '../../lib/jobs/await-end.ts'
import { gatherDoorbells } from './gathered-doorbells.ts'

export type Environment = Record<string, string | undefined>

/** Connections to Postgres: many requests at once in the host, one invocation at a time in a worker. */
const HOST_CONNECTIONS = '16'
const WORKER_CONNECTIONS = '4'

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
  const app = await createApp(config, name, given)
  return { ...app, queue: gatherDoorbells(app.queue, app.log) }
}

/** Something was committed, here or in a worker: whoever waits for news looks now, and not in a second. */
export const onCommitted = (app: App, nudge: (functionName: string) => void): void => {
  nudge('relay')
  nudgeWaiters(app)
}
