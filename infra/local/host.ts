import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type App, createApp } from '../../lib/app.ts'
import { readConfig } from '../../lib/core/config.ts'
import { createLog } from '../../lib/core/log.ts'
import { createKafkaPublisher } from '../../lib/events/kafka.ts'
import { nudgeWaiters } from '../../lib/jobs/await-end.ts'
import { endLeasesExcept, endLeasesOf } from '../../lib/jobs/sweep.ts'
import type { HostControl } from '../../lib/system/host-control.ts'
import { untilDone } from './backoff.ts'
import { startKiller } from './chaos/killer.ts'
import { createRandom } from './chaos/random.ts'
import { withChaos } from './chaos/with-chaos.ts'
import { keepCompiled } from './compile-cache.ts'
import { serveParent } from './components/component.ts'
import { startDeadLetterHost } from './dead-letter-host.ts'
import { mountBatches, mountHttp, mountSockets } from './functions.ts'
import { gatherDoorbells } from './gathered-doorbells.ts'
import { createHostControl, createWorkers, type Workers } from './host-control.ts'
import type { FromHost, HostOptions, HostReady, ToHost } from './host-protocol.ts'
import { createHttpServer } from './http-server.ts'
import { createConnections } from './live/connections.ts'
import { startConnectionsApi } from './live/connections-api.ts'
import { createSocketServer } from './live/socket-server.ts'
import { openLog } from './log-file.ts'
import { startQueueHost } from './queue-host.ts'
import { type RoutingTable, readRoutingTable } from './routing-table.ts'
import { SCHEDULES, type Schedules, startSchedules } from './schedules.ts'
import type { Worker } from './worker.ts'
import type { Death } from './worker-pool.ts'

// The process that stands for AWS between the triggers and the functions: it answers HTTP, holds the WebSockets, polls
// the queues for its worker processes, and has what nobody waits for run in another.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ADDRESS = '127.0.0.1'
/** Connections to Postgres: many requests at once here, one invocation at a time in a worker. */
const HOST_CONNECTIONS = '16'
const WORKER_CONNECTIONS = '4'
const SCHEDULES_GRACE_MS = 3_000
/** Together below what the supervisor gives the host to stop. */
const HTTP_GRACE_MS = 3_000
const WORKER_GRACE_MS = 6_000

const say = (message: FromHost): void => {
  if (process.connected) process.send?.(message, () => {})
}

const start = async (options: HostOptions): Promise<{ ready: HostReady; stop: () => Promise<void> }> => {
  const table = readRoutingTable(join(ROOT, 'serverless.yml'))
  const stopping = new AbortController()
  let schedules: Schedules | undefined
  const nudge = (functionName: string) => schedules?.nudge(functionName)
  const workers = createWorkers()
  const control = createHostControl({ dataDir: options.dataDir, workers, say })
  const app = await createHostApp(options, {
    host: control,
    stopping: stopping.signal,
    committed: () => onCommitted(app, nudge),
  })
  const routes = await mountHttp(ROOT, table.http)
  const connections = createConnections()
  const connectionsApi = await startConnectionsApi(connections)
  const sockets = createSocketServer({ app, connections, sockets: await mountSockets(ROOT, table.sockets) })
  const batches = await mountBatches(ROOT, table.deadLetters)

  // Workers die with their host, so whoever still holds a lease is dead. Before any worker of this host takes one.
  await untilDone(() => endLeasesExcept(app, []), {
    log: app.log,
    failed: 'leases of an earlier run could not be ended',
    signal: stopping.signal,
  })
  const http = createHttpServer({ app, routes, cors: table.cors, onUpgrade: sockets.upgrade })
  const port = await http.listen(options.port, ADDRESS)
  schedules = startSchedules({
    env: {
      ...process.env,
      DATABASE_MAX_CONNECTIONS: WORKER_CONNECTIONS,
      LIVE_MANAGEMENT_URL: connectionsApi.url,
    },
    openLog: (name) => openLog(options.dataDir, name),
    onStarted: (pid) => {
      say({ type: 'worker-started', name: SCHEDULES, pid })
      workers.started({ name: SCHEDULES, pid, kill: () => void process.kill(pid, 'SIGKILL') })
    },
    onEnded: () => {
      say({ type: 'worker-ended', name: SCHEDULES })
      workers.ended(SCHEDULES)
    },
    onNotice: (text) => say({ type: 'notice', text }),
    onRepublished: (kafkaStart) => say({ type: 'republished', kafkaStart }),
  })
  keepCompiled()
  const queues = startQueues(app, table, options, workers, nudge, stopping.signal)
  const deadLetters = startDeadLetterHost(app, batches)
  process.on('message', (message: ToHost) => {
    control.hear(message)
    if (message.type !== 'kafka') return
    kafkaAddress = message.address
    schedules.tellKafka(message)
  })

  return {
    ready: {
      port,
      routes: routes.length,
      queues: table.queues.map(({ queue }) => queue),
      schedules: table.schedules.length,
    },
    stop: async () => {
      stopping.abort()
      await sockets.close()
      await http.close(HTTP_GRACE_MS)
      await Promise.all([...queues.map((queue) => queue.stop(WORKER_GRACE_MS)), deadLetters.stop()])
      await schedules.stop(SCHEDULES_GRACE_MS)
      await connectionsApi.close()
      await app.close()
    },
  }
}

/** Here or in a worker. */
const onCommitted = (app: App, nudge: (functionName: string) => void): void => {
  nudge('relay')
  nudgeWaiters(app)
}

let kafkaAddress = process.env['KAFKA_BROKERS'] ?? ''

const createHostApp = async (
  { chaosSeed }: HostOptions,
  given: Pick<App, 'committed' | 'stopping'> & { host: HostControl },
): Promise<App> => {
  const config = readConfig({ ...process.env, DATABASE_MAX_CONNECTIONS: HOST_CONNECTIONS })
  const log = createLog(config.logLevel, 'host')
  const made = await createApp(config, 'host', {
    ...given,
    log,
    instance: 'host',
    publisher: createKafkaPublisher({ brokers: async () => [kafkaAddress], log }),
  })
  const app = { ...made, queue: gatherDoorbells(made.queue, log) }
  return chaosSeed === undefined ? app : withChaos(app, chaosSeed, 'host')
}

const startQueues = (
  app: App,
  table: RoutingTable,
  options: HostOptions,
  workers: Workers,
  nudge: (functionName: string) => void,
  signal: AbortSignal,
) => {
  const killer = options.chaosSeed === undefined ? undefined : startKiller(createRandom(options.chaosSeed, 'killer'))
  signal.addEventListener('abort', () => killer?.stop())
  const onEnded = (worker: Worker, death: Death | undefined): void => {
    say({ type: 'worker-ended', name: worker.name })
    workers.ended(worker.name)
    killer?.ended(worker)
    if (!death) return
    report(worker, death)
    const { instance } = worker
    if (!instance) return
    // Its jobs go on as soon as another worker takes them, not when their leases run out.
    const ending = { log: app.log, failed: 'leases of a dead worker could not be ended', signal }
    void untilDone(() => endLeasesOf(app, [instance]), ending).then(() => nudge('sweep'))
  }
  return table.queues.map((entry) =>
    startQueueHost({
      app,
      entry,
      root: ROOT,
      env: { ...process.env, DATABASE_MAX_CONNECTIONS: WORKER_CONNECTIONS },
      timeoutMs: Math.min(entry.timeoutSeconds, options.functionTimeoutSeconds ?? entry.timeoutSeconds) * 1_000,
      concurrency: options.concurrency,
      openLog: (name) => openLog(options.dataDir, name),
      onCommitted: () => onCommitted(app, nudge),
      onStarted: (worker) => {
        say({ type: 'worker-started', name: worker.name, pid: worker.pid })
        workers.started(worker)
        killer?.started(worker)
      },
      onEnded,
    }),
  )
}

const report = (worker: Worker, death: Death): void => {
  const cause = `${worker.name} died (${death.signal ?? `exit code ${death.code}`})`
  if (!worker.instance && death.signal === null)
    say({ type: 'notice', text: `${cause} before it was ready: see logs/${worker.name}.log` })
  void death.replaced.then(({ afterMs }) =>
    say({ type: 'notice', text: `${cause}, started again in ${(afterMs / 1_000).toFixed(1)} s` }),
  )
}

// Without its supervisor the stack ends: its other parts are ending too, and nobody would start them again.
process.on('disconnect', () => process.exit(0))
serveParent(start)
