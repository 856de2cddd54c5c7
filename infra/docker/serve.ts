import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type App, createApp } from '../../lib/app.ts'
import { ConfigError, readConfig } from '../../lib/core/config.ts'
import { type HostConfig, readHostConfig } from '../../lib/core/host-config.ts'
import { endLeasesOf } from '../../lib/jobs/sweep.ts'
import { pass } from '../../lib/schedule/every.ts'
import { untilDone } from '../local/backoff.ts'
import { startDeadLetterHost } from '../local/dead-letter-host.ts'
import { mountBatches, mountHttp, mountSchedules, mountSockets, mountStreams } from '../local/functions.ts'
import { createHttpServer } from '../local/http-server.ts'
import { createConnections } from '../local/live/connections.ts'
import { startConnectionsApi } from '../local/live/connections-api.ts'
import { createSocketServer } from '../local/live/socket-server.ts'
import { createStreamHost } from '../local/live/stream-host.ts'
import { keepSecrets } from '../local/local-config.ts'
import { startPeriodicTimer } from '../local/periodic-timer.ts'
import { startQueueHost } from '../local/queue-host.ts'
import { type RoutingTable, readRoutingTable } from '../local/routing-table.ts'

// `node infra/docker/serve.ts api | worker`: the host alone. Postgres, SQS, S3 and Kafka run elsewhere and are named in
// the environment. `api` answers HTTP, holds the WebSockets, reads Kafka and runs the schedules; `worker` polls the
// queues. There may be many workers.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** A container's own network decides who gets here. */
const EVERY_ADDRESS = '0.0.0.0'
const API_CONNECTIONS = '16'
const WORKER_CONNECTIONS = '4'
/** Together below the ten seconds that Docker gives a container to stop. */
const HTTP_GRACE_MS = 3_000
const WORKER_GRACE_MS = 6_000
const STDOUT = 1

type Stop = () => Promise<void>
type Environment = Record<string, string | undefined>

const main = async (role = ''): Promise<void> => {
  const start = { api: serveApi, worker: serveWorkers }[role]
  if (!start) throw new ConfigError(`There is no ${role || 'role'}. usage: node infra/docker/serve.ts api | worker`)
  const host = readHostConfig(process.env)
  // One's own keys, or those that all containers on one volume share.
  const env: Environment = { ...(await keepSecrets(host.dataDir)), ...process.env }
  const stop = await start(host, env, readRoutingTable(join(ROOT, 'serverless.yml')))
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void stop().then(() => process.exit(0)))
}

const serveApi = async (host: HostConfig, env: Environment, table: RoutingTable): Promise<Stop> => {
  const connections = createConnections()
  const connectionsApi = await startConnectionsApi(connections)
  const LIVE_MANAGEMENT_URL = connectionsApi.url
  const config = readConfig({ DATABASE_MAX_CONNECTIONS: API_CONNECTIONS, ...env, LIVE_MANAGEMENT_URL })
  const app = await createApp(config, 'api')
  const sockets = createSocketServer({ app, connections, sockets: await mountSockets(ROOT, table.sockets) })
  const streams = (await mountStreams(ROOT, table.streams)).map((it) => createStreamHost({ app, ...it }))
  const routes = await mountHttp(ROOT, table.http)
  const http = createHttpServer({ app, routes, cors: table.cors, onUpgrade: sockets.upgrade })
  const schedules = await mountSchedules(ROOT, table.schedules)
  const port = await http.listen(host.port, EVERY_ADDRESS)
  const timers = schedules.map(({ periodic }) => startPeriodicTimer(periodic.everySeconds, () => pass(app, periodic)))
  for (const stream of streams) stream.follow(config.kafka.brokers.join())
  app.log.info({ port }, 'the API answers')
  return async () => {
    await Promise.all([sockets.close(), ...streams.map((stream) => stream.stop())])
    await http.close(HTTP_GRACE_MS)
    await Promise.all(timers.map((timer) => timer.stop()))
    await app.close()
    await connectionsApi.close()
  }
}

const serveWorkers = async (host: HostConfig, env: Environment, table: RoutingTable): Promise<Stop> => {
  const app = await createApp(readConfig({ DATABASE_MAX_CONNECTIONS: WORKER_CONNECTIONS, ...env }), 'worker')
  const stopping = new AbortController()
  const queues = table.queues.map((entry) =>
    startQueueHost({
      app,
      entry,
      root: ROOT,
      env: { DATABASE_MAX_CONNECTIONS: WORKER_CONNECTIONS, ...env },
      timeoutMs: Math.min(entry.timeoutSeconds, host.functionTimeoutSeconds ?? entry.timeoutSeconds) * 1_000,
      concurrency: host.concurrency,
      openLog: () => STDOUT,
      // The relay, in another container, looks each second.
      onCommitted: () => {},
      onStarted: ({ name, pid }) => app.log.info({ worker: name, pid }, 'a worker process starts'),
      onEnded: (worker, death) => {
        if (death) void free(app, worker.instance, stopping.signal)
      },
    }),
  )
  const deadLetters = startDeadLetterHost(app, await mountBatches(ROOT, table.deadLetters))
  app.log.info({ queues: table.queues.map(({ queue }) => queue) }, 'the queues are polled')
  return async () => {
    stopping.abort()
    await Promise.all([...queues.map((queue) => queue.stop(WORKER_GRACE_MS)), deadLetters.stop()])
    await app.close()
  }
}

/** The jobs of a worker process that died go on with the next sweep, not when their leases run out. */
const free = async (app: App, instance: string | undefined, signal: AbortSignal): Promise<void> => {
  if (!instance) return
  await untilDone(() => endLeasesOf(app, [instance]), {
    log: app.log,
    failed: 'leases of a dead worker could not be ended',
    signal,
  })
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error)
  process.exit(1)
})
