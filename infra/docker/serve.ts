import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { App } from '../../lib/app.ts'
import { ConfigError } from '../../lib/core/config.ts'
import { type HostConfig, readHostConfig } from '../../lib/core/host-config.ts'
import { mountFront } from '../local/host/front.ts'
import {
  createHostApp,
  type Environment,
  hostAppConfig,
  onCommitted,
  workerEnvironment,
} from '../local/host/host-app.ts'
import { type RoutingTable, readRoutingTable } from '../local/host/routing-table.ts'
import { startQueueHosts } from '../local/queues/queue-hosts.ts'
import { type Schedules, startSchedules } from '../local/schedules/schedules.ts'
import { startPeriodicTimer } from '../local/shared/periodic-timer.ts'
import { keepSecrets } from '../local/supervisor/local-config.ts'
import { areForgotten, makeQueuesAndBucket } from './queues-and-bucket.ts'

// `node infra/docker/serve.ts api | worker`: the host of `npm start` in two. Postgres, SQS, S3 and Kafka run elsewhere and
// are named in the environment. `api` answers HTTP, holds the WebSockets, and has a process for Kafka and the schedules;
// `worker` polls the queues. There may be many workers.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Listens on all interfaces: the container's network decides who gets here. */
const EVERY_ADDRESS = '0.0.0.0'
const SCHEDULES_GRACE_MS = 3_000
/** How often it checks whether the queues and the bucket still exist. */
const CHECK_SECONDS = 5
const STDOUT = 1

type Stop = () => Promise<void>

const main = async (role = ''): Promise<void> => {
  const start = { api: serveApi, worker: serveWorkers }[role]
  if (!start) throw new ConfigError(`There is no ${role || 'role'}. usage: node infra/docker/serve.ts api | worker`)
  const host = readHostConfig(process.env)
  // The given keys, or those that all containers on one volume share.
  const env: Environment = { ...(await keepSecrets(host.dataDir)), ...process.env }
  const stop = await start(host, env, readRoutingTable(join(ROOT, 'serverless.yml')))
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void stop().then(() => process.exit(0)))
}

const serveApi = async (host: HostConfig, env: Environment, table: RoutingTable): Promise<Stop> => {
  const stopping = new AbortController()
  let schedules: Schedules | undefined
  const app: App = await createHostApp(hostAppConfig(env), 'api', {
    stopping: stopping.signal,
    committed: () => onCommitted(app, (functionName) => schedules?.nudge(functionName)),
  })
  const front = await mountFront(app, ROOT, table, host)
  const port = await front.listen(host.port, EVERY_ADDRESS)
  schedules = startSchedules({
    env: { ...workerEnvironment(env), LIVE_MANAGEMENT_URL: front.liveManagementUrl },
    table,
    openLog: () => STDOUT,
    onStarted: (pid) => app.log.info({ pid }, 'the process of the schedules starts'),
    onEnded: () => {},
    onNotice: (text) => app.log.warn(text),
    // This Kafka keeps its log, so nothing has to be published again.
    onRepublished: () => {},
  })
  const look = startPeriodicTimer(CHECK_SECONDS, () => makeWhatIsForgotten(app))
  app.log.info({ port }, 'the API answers')
  return async () => {
    stopping.abort()
    void look.stop()
    await front.stopListening()
    await schedules.stop(SCHEDULES_GRACE_MS)
    await front.close()
    await app.close()
  }
}

/** LocalStack keeps nothing: after a restart it has neither queues nor a bucket. On AWS nothing is made here. */
const makeWhatIsForgotten = async (app: App): Promise<void> => {
  const { sqs, s3 } = app.config
  if (!sqs.endpoint || !s3.endpoint || !(await areForgotten(app))) return
  try {
    await makeQueuesAndBucket(app.config)
    app.log.warn('queues or the bucket were gone, and are made again; the files of a bucket that is gone are lost')
  } catch (err) {
    app.log.error({ err }, 'queues or the bucket are gone, and could not be made again')
  }
}

const serveWorkers = async (host: HostConfig, env: Environment, table: RoutingTable): Promise<Stop> => {
  const app = await createHostApp(hostAppConfig(workerEnvironment(env)), 'worker', {})
  const queues = await startQueueHosts({
    app,
    root: ROOT,
    table,
    host,
    env: workerEnvironment(env),
    openLog: () => STDOUT,
    // No nudge: the relay is in another container, and looks every second.
    onCommitted: () => {},
    onStarted: ({ name, pid }) => app.log.info({ worker: name, pid }, 'a worker process starts'),
    onEnded: ({ name }, death) => {
      if (death) app.log.warn({ worker: name, code: death.code, signal: death.signal }, 'a worker process died')
    },
    // So is the sweep.
    onFreed: () => {},
  })
  app.log.info({ queues: queues.queues }, 'the queues are polled')
  return async () => {
    await queues.stop()
    await app.close()
  }
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error)
  process.exit(1)
})
