import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { App } from '../../../lib/app.ts'
import { createLog, type Logger } from '../../../lib/core/log.ts'
import { createKafkaPublisher } from '../../../lib/events/kafka.ts'
import { endLeasesExcept } from '../../../lib/jobs/sweep.ts'
import type { HostControl } from '../../../lib/system/host-control.ts'
import { startKiller } from '../chaos/killer.ts'
import { createRandom } from '../chaos/random.ts'
import { withChaos } from '../chaos/with-chaos.ts'
import { howEnded, serveParent } from '../components/component.ts'
import { startQueueHosts } from '../queues/queue-hosts.ts'
import { SCHEDULES, type Schedules, startSchedules } from '../schedules/schedules.ts'
import { untilDone } from '../shared/backoff.ts'
import { keepCompiled } from '../shared/compile-cache.ts'
import { logPath, openLog, trimLog } from '../shared/log-file.ts'
import { startPeriodicTimer } from '../shared/periodic-timer.ts'
import type { Worker } from '../workers/worker.ts'
import type { Death } from '../workers/worker-pool.ts'
import { mountFront } from './front.ts'
import { mountHttp } from './functions.ts'
import { createHostApp, hostAppConfig, onCommitted, workerEnvironment } from './host-app.ts'
import { createHostControl, createWorkers } from './host-control.ts'
import type { FromHost, HostOptions, HostReady, ToHost } from './host-protocol.ts'
import { readRoutingTable } from './routing-table.ts'

// The process that stands for AWS between the triggers and the functions: it answers HTTP, holds the WebSockets, polls
// the queues for its worker processes, and has what nobody waits for run in another.

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const ADDRESS = '127.0.0.1'
const NAME = 'host'
const SCHEDULES_GRACE_MS = 3_000
const TRIM_SECONDS = 60

// Before the options, for which the others must have started: it takes a quarter of a second of a processor. What can't be
// loaded is told when it is mounted.
const table = readRoutingTable(join(ROOT, 'serverless.yml'))
mountHttp(ROOT, table.http).catch(() => {})

const say = (message: FromHost): void => {
  if (process.connected) process.send?.(message, () => {})
}

const start = async (options: HostOptions): Promise<{ ready: HostReady; stop: () => Promise<void> }> => {
  Object.assign(process.env, options.env)
  kafkaAddress = options.env['KAFKA_BROKERS'] ?? ''
  const stopping = new AbortController()
  let schedules: Schedules | undefined
  const nudge = (functionName: string) => schedules?.nudge(functionName)
  const workers = createWorkers()
  const control = createHostControl({ dataDir: options.dataDir, workers, say })
  const app = await createApp(options, {
    host: control,
    stopping: stopping.signal,
    committed: () => onCommitted(app, nudge),
  })
  const logs = createProcessLogs(app, options.dataDir)
  const front = await mountFront(app, ROOT, table, options)

  // Workers die with their host, so whoever still holds a lease is dead. Before any worker of this host takes one.
  await untilDone(() => endLeasesExcept(app, []), {
    log: app.log,
    failed: 'leases of an earlier run could not be ended',
    signal: stopping.signal,
  })
  const port = await front.listen(options.port, ADDRESS)
  schedules = startSchedules({
    env: { ...workerEnvironment(process.env), LIVE_MANAGEMENT_URL: front.liveManagementUrl },
    table,
    instance: SCHEDULES,
    newKafka: options.newKafka,
    embeddedKafka: true,
    openLog: logs.open,
    onStarted: (pid) => {
      say({ type: 'worker-started', name: SCHEDULES, pid })
      workers.started({ name: SCHEDULES, pid, kill: () => void process.kill(pid, 'SIGKILL') })
    },
    onEnded: () => {
      say({ type: 'worker-ended', name: SCHEDULES })
      workers.ended(SCHEDULES, true)
    },
    onNotice: (text) => say({ type: 'notice', text }),
    onRepublished: (kafkaStart) => say({ type: 'republished', kafkaStart }),
  })
  keepCompiled()
  const killer = options.chaosSeed === undefined ? undefined : startKiller(createRandom(options.chaosSeed, 'killer'))
  const queues = await startQueueHosts({
    app,
    root: ROOT,
    table,
    host: options,
    env: workerEnvironment(process.env),
    openLog: logs.open,
    onCommitted: () => onCommitted(app, nudge),
    onStarted: (worker) => {
      say({ type: 'worker-started', name: worker.name, pid: worker.pid })
      workers.started(worker)
      killer?.started(worker)
    },
    onEnded: (worker, death) => {
      say({ type: 'worker-ended', name: worker.name })
      workers.ended(worker.name, death !== undefined)
      killer?.ended(worker)
      if (death) report(app.log, worker, death)
    },
    onFreed: () => nudge('sweep'),
  })
  process.on('message', (message: ToHost) => {
    control.hear(message)
    if (message.type !== 'kafka') return
    kafkaAddress = message.address
    schedules.tellKafka(message)
  })

  const ready = { port, routes: front.routes, queues: queues.queues, schedules: table.schedules.length }
  app.log.info(ready, 'ready')
  return {
    ready,
    stop: async () => {
      stopping.abort()
      await logs.stop()
      killer?.stop()
      await front.stopListening()
      await queues.stop()
      await schedules.stop(SCHEDULES_GRACE_MS)
      await front.close()
      await app.close()
    },
  }
}

let kafkaAddress = ''

const createApp = async (
  { chaosSeed }: HostOptions,
  given: Pick<App, 'committed' | 'stopping'> & { host: HostControl },
): Promise<App> => {
  const config = hostAppConfig(process.env)
  const log = createLog(config.logLevel, NAME)
  const app = await createHostApp(config, NAME, {
    ...given,
    log,
    instance: NAME,
    // Where Kafka is now: it comes back under another address.
    publisher: createKafkaPublisher({ brokers: async () => [kafkaAddress], log }),
  })
  return chaosSeed === undefined ? app : withChaos(app, chaosSeed, NAME)
}

/** The logs of the processes that this one starts. They write to them by themselves, for weeks perhaps. */
const createProcessLogs = (app: App, dataDir: string) => {
  const opened = new Set<string>()
  const trim = async (): Promise<void> => {
    for (const name of opened)
      await trimLog(logPath(dataDir, name)).catch((error) =>
        app.log.warn({ err: error, name }, 'a log could not be put aside'),
      )
  }
  const timer = startPeriodicTimer(TRIM_SECONDS, trim)
  return {
    open: (name: string): number => {
      opened.add(name)
      return openLog(dataDir, name, (error) => app.log.warn({ err: error, name }, 'a log could not be opened'))
    },
    stop: timer.stop,
  }
}

const report = (log: Logger, worker: Worker, death: Death): void => {
  const { failure, signal } = death
  if (failure) log.error({ err: failure, name: worker.name }, 'a worker could not be started')
  const cause = `${worker.name} ${failure ? 'could not be started' : 'died'} (${howEnded(death)})`
  // A process that was killed could not say why, nor could one that never ran.
  const why = signal === null && !failure ? `: see logs/${worker.name}.log` : ''
  if (failure) say({ type: 'notice', text: cause })
  else if (!worker.instance && signal === null) say({ type: 'notice', text: `${cause} before it was ready${why}` })
  void death.replaced.then(({ afterMs }) =>
    say({ type: 'notice', text: `${cause}, started again in ${(afterMs / 1_000).toFixed(1)} s${why}` }),
  )
}

// Without its supervisor the stack ends: its other parts are ending too, and nobody would start them again.
process.on('disconnect', () => process.exit(0))
serveParent(start)
