import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type App, createApp } from '../../lib/app.ts'
import { readConfig } from '../../lib/core/config.ts'
import { createLog } from '../../lib/core/log.ts'
import { createKafkaPublisher } from '../../lib/events/kafka.ts'
import { republish } from '../../lib/events/relay.ts'
import { endLeasesExcept, endLeasesOf } from '../../lib/jobs/sweep.ts'
import { pass } from '../../lib/schedule/every.ts'
import { untilDone } from './backoff.ts'
import { startKiller } from './chaos/killer.ts'
import { createRandom } from './chaos/random.ts'
import { withChaos } from './chaos/with-chaos.ts'
import { keepCompiled } from './compile-cache.ts'
import { serveParent } from './components/component.ts'
import { startDeadLetterHost } from './dead-letter-host.ts'
import { mountBatches, mountHttp, mountSchedules } from './functions.ts'
import type { FromHost, HostOptions, HostReady, ToHost } from './host-protocol.ts'
import { createHttpServer } from './http-server.ts'
import { openLog } from './log-file.ts'
import { type PeriodicTimer, startPeriodicTimer } from './periodic-timer.ts'
import { startQueueHost } from './queue-host.ts'
import { type RoutingTable, readRoutingTable } from './routing-table.ts'
import type { Worker } from './worker.ts'
import type { Death } from './worker-pool.ts'

// The process that stands for AWS between the triggers and the functions: it answers HTTP, polls the queues for its
// worker processes, and runs the schedules.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ADDRESS = '127.0.0.1'
/** Connections to Postgres: many requests at once here, one invocation at a time in a worker. */
const HOST_CONNECTIONS = '16'
const WORKER_CONNECTIONS = '4'
/** Together below what the supervisor gives the host to stop. */
const HTTP_GRACE_MS = 3_000
const WORKER_GRACE_MS = 6_000

const say = (message: FromHost): void => {
  if (process.connected) process.send?.(message, () => {})
}

const start = async (options: HostOptions): Promise<{ ready: HostReady; stop: () => Promise<void> }> => {
  const table = readRoutingTable(join(ROOT, 'serverless.yml'))
  const stopping = new AbortController()
  const timers = new Map<string, PeriodicTimer>()
  const app = await createHostApp(options, () => timers.get('relay')?.nudge())
  const routes = await mountHttp(ROOT, table.http)
  const schedules = await mountSchedules(ROOT, table.schedules)
  const batches = await mountBatches(ROOT, table.deadLetters)

  // Workers die with their host, so whoever still holds a lease is dead. Before any worker of this host takes one.
  await untilDone(() => endLeasesExcept(app, []), {
    log: app.log,
    failed: 'leases of an earlier run could not be ended',
    signal: stopping.signal,
  })
  const http = createHttpServer({ app, routes, cors: table.cors })
  const port = await http.listen(options.port, ADDRESS)
  for (const { functionName, periodic } of schedules) {
    timers.set(
      functionName,
      startPeriodicTimer(periodic.everySeconds, () => pass(app, periodic)),
    )
  }
  keepCompiled()
  const queues = startQueues(app, table, options, timers, stopping.signal)
  const deadLetters = startDeadLetterHost(app, batches)
  process.on('message', (message: ToHost) => {
    if (message.type === 'kafka') void onKafka(app, message, timers, stopping.signal)
  })

  return {
    ready: { port, routes: routes.length, queues: table.queues.map(({ queue }) => queue), schedules: schedules.length },
    stop: async () => {
      stopping.abort()
      await http.close(HTTP_GRACE_MS)
      await Promise.all([...queues.map((queue) => queue.stop(WORKER_GRACE_MS)), deadLetters.stop()])
      await Promise.all([...timers.values()].map((timer) => timer.stop()))
      await app.close()
    },
  }
}

let kafkaAddress = process.env['KAFKA_BROKERS'] ?? ''

const createHostApp = async ({ chaosSeed }: HostOptions, committed: () => void): Promise<App> => {
  const config = readConfig({ ...process.env, DATABASE_MAX_CONNECTIONS: HOST_CONNECTIONS })
  const log = createLog(config.logLevel, 'host')
  const app = await createApp(config, 'host', {
    log,
    committed,
    // The same at each start: there is one host on a data folder, and the next one must not wait until the leases of
    // the sweep and the relay, which name their holder, have run out.
    instance: 'host',
    publisher: createKafkaPublisher({ brokers: async () => [kafkaAddress], log }),
  })
  return chaosSeed === undefined ? app : withChaos(app, chaosSeed, 'host')
}

const startQueues = (
  app: App,
  table: RoutingTable,
  options: HostOptions,
  timers: Map<string, PeriodicTimer>,
  signal: AbortSignal,
) => {
  const killer = options.chaosSeed === undefined ? undefined : startKiller(createRandom(options.chaosSeed, 'killer'))
  signal.addEventListener('abort', () => killer?.stop())
  const onEnded = (worker: Worker, death: Death | undefined): void => {
    say({ type: 'worker-ended', name: worker.name })
    killer?.ended(worker)
    if (!death) return
    report(worker, death)
    const { instance } = worker
    if (!instance) return
    // Its jobs go on as soon as another worker takes them, not when their leases run out.
    const ending = { log: app.log, failed: 'leases of a dead worker could not be ended', signal }
    void untilDone(() => endLeasesOf(app, [instance]), ending).then(() => timers.get('sweep')?.nudge())
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
      onCommitted: () => timers.get('relay')?.nudge(),
      onStarted: (worker) => {
        say({ type: 'worker-started', name: worker.name, pid: worker.pid })
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

/** Kafka came with an empty log: it gets the events that it had, or would have had. */
const onKafka = async (
  app: App,
  message: ToHost,
  timers: Map<string, PeriodicTimer>,
  signal: AbortSignal,
): Promise<void> => {
  kafkaAddress = message.address
  const failed = 'events could not be marked for another publication'
  if (!(await untilDone(() => republish(app), { log: app.log, failed, signal }))) return
  say({ type: 'republished', kafkaStart: message.kafkaStart })
  timers.get('relay')?.nudge()
}

// Without its supervisor the stack ends: its other parts are ending too, and nobody would start them again.
process.on('disconnect', () => process.exit(0))
serveParent(start)
