import { createPool, type Pool, type Sql } from '../db/client.ts'
import * as apiKeys from '../db/queries/api-keys.ts'
import type { MetricTotal } from '../db/queries/metrics.ts'
import * as metricTotals from '../db/queries/metrics.ts'
import { createKeyUses, type KeyUses } from './auth/key-uses.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { type Config, readConfig } from './core/config.ts'
import { newId } from './core/ids.ts'
import { createLog, type Logger } from './core/log.ts'
import type { Publisher } from './events/publisher.ts'
import type { FileStore } from './files/store.ts'
import type { LiveGateway } from './live/gateway.ts'
import type { Mailer } from './mail/mailer.ts'
import { createRecorder, type Recorder, shardOf } from './metrics/recorder.ts'
import type { DoorbellQueue, QueueName } from './queue/doorbells.ts'
import type { HostControl } from './system/host-control.ts'
import type { SpanSink } from './tracing/otlp.ts'
import { noTraces, type Traces } from './tracing/traces.ts'
import type { Web } from './web/web.ts'

/**
 * Reads what may take the database seconds, for a person: a search, a count of thousands of rows. A process that answers many
 * at once does it in turns, over connections of its own, so that everything else finds one.
 * @throws {StintError} RATE_LIMITED when too many of the person's wait for their turn
 */
export type Scan = <T>(userId: string, read: (sql: Sql) => Promise<T>) => Promise<T>

/** What the code depends on, in one object. Built once per process, and by tests as they need it. */
export interface App {
  config: Config
  sql: Pool
  scan: Scan
  queue: DoorbellQueue
  files: FileStore
  publisher: Publisher
  live: LiveGateway
  web: Web
  /** Undefined if no mails are configured. */
  mailer: Mailer | undefined
  clock: Clock
  /** A number in [0, 1), for jitter and fairness; never for secrets. */
  random: () => number
  log: Logger
  /** Counts and measures. */
  metrics: Recorder
  /** Records spans. */
  traces: Traces
  /** Notes the use of API keys. */
  keyUses: KeyUses
  /** This process, as leases name it: different at each start. */
  instance: string
  /** Aborts when the process is asked to stop: its jobs then stop at their next safe point. */
  stopping: AbortSignal
  /** Ends the process at once. The engine calls it when a job can be stopped in no other way. */
  exit: (reason: string) => void
  /** Tells the local host that something was committed, so that the relay publishes it at once. On AWS it does nothing. */
  committed: () => void
  /** Whether a job must stop at its current safe point for no reason. Only set by the chaos switch. */
  cutStint?: () => boolean
  /** How many edges one transaction settles at most. Only set by tests, so that jobs are settled in several parts. */
  edgesAtOnce?: number
  /** The processes of the stage, if they run on this machine. */
  host?: HostControl
  /** Closes every connection. */
  close: () => Promise<void>
}

/**
 * Builds the dependencies. Nothing is connected yet, and the clients of SQS, S3, Kafka, API Gateway and the web are
 * loaded at their first use: a function that needs none of them doesn't pay for them in its cold start.
 */
export const createApp = async (config: Config, name: string, given: Partial<App> = {}): Promise<App> => {
  const log = given.log ?? createLog(config.logLevel, name)
  const sql =
    given.sql ??
    createPool({
      url: config.database.url,
      maxConnections: config.database.maxConnections,
      prepare: config.database.prepare,
      applicationName: name,
    })
  const clock = given.clock ?? systemClock
  const instance = given.instance ?? `${name}-${newId()}`
  const write = (totals: MetricTotal[]) => metricTotals.add(sql, shardOf(instance), totals)
  const metrics = given.metrics ?? createRecorder({ write, log, now: () => clock.now() })
  const keyUses =
    given.keyUses ?? createKeyUses({ write: (ids) => apiKeys.markUsed(sql, ids), log, now: () => clock.now() })
  const random = given.random ?? Math.random
  const traces = given.traces ?? lazyTraces(config, { log, instance, random })
  const onSent = (name: QueueName, n: number) => metrics.count('stint_doorbells_sent_total', { queue: name }, n)
  const queue = given.queue ?? lazyQueue(config, onSent)
  const files = given.files ?? lazyFiles(config)
  const publisher = given.publisher ?? lazyPublisher(config, log)
  const live = given.live ?? lazyLiveGateway(config)
  const web = given.web ?? lazyWeb(config)
  const mailer = given.mailer ?? lazyMailer(config)
  return {
    config,
    sql,
    scan: given.scan ?? ((_, read) => read(sql)),
    queue,
    files,
    publisher,
    live,
    web,
    mailer,
    clock,
    random,
    log,
    metrics,
    traces,
    keyUses,
    instance,
    stopping: given.stopping ?? new AbortController().signal,
    exit:
      given.exit ??
      ((reason) => {
        log.fatal(reason)
        process.exit(70)
      }),
    committed: given.committed ?? (() => {}),
    ...(given.host && { host: given.host }),
    ...(given.edgesAtOnce && { edgesAtOnce: given.edgesAtOnce }),
    close: async () => {
      await Promise.all([metrics.close(), keyUses.flush(), traces.close()])
      await Promise.all([publisher.close(), web.close(), sql.end({ timeout: 5 })])
      queue.close()
      mailer?.close()
      files.close()
      live.end()
    },
  }
}

let ofProcess: Promise<App> | undefined

/** The process's own app, from the environment: what a Lambda function uses. @throws {ConfigError} */
export const appOfProcess = async (): Promise<App> => {
  ofProcess ??= createApp(readConfig(process.env), process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'stint')
  return ofProcess
}

const lazyQueue = (config: Config, onSent: (name: QueueName, n: number) => void): DoorbellQueue => {
  let queue: Promise<DoorbellQueue> | undefined
  const get = () => {
    queue ??= import('./queue/sqs.ts').then(({ createSqsDoorbells }) =>
      createSqsDoorbells({ ...config.sqs, region: config.region, onSent }),
    )
    return queue
  }
  return {
    ring: async (...args) => (await get()).ring(...args),
    receive: async (...args) => (await get()).receive(...args),
    delete: async (...args) => (await get()).delete(...args),
    visible: async (...args) => (await get()).visible(...args),
    close: () => void queue?.then((made) => made.close()),
  }
}

const lazyFiles = (config: Config): FileStore => {
  let store: Promise<FileStore> | undefined
  const get = () => {
    store ??= import('./files/s3.ts').then(({ createS3Files }) =>
      createS3Files({ ...config.s3, region: config.region }),
    )
    return store
  }
  return {
    put: async (...args) => (await get()).put(...args),
    open: async (...args) => (await get()).open(...args),
    get: async (...args) => (await get()).get(...args),
    head: async (...args) => (await get()).head(...args),
    delete: async (...args) => (await get()).delete(...args),
    deleteAll: async (...args) => (await get()).deleteAll(...args),
    downloadUrl: async (...args) => (await get()).downloadUrl(...args),
    uploadUrl: async (...args) => (await get()).uploadUrl(...args),
    ready: async () => (await get()).ready(),
    close: () => void store?.then((made) => made.close()),
  }
}

const lazyTraces = (
  { tracing, version }: Config,
  { random, ...given }: { log: Logger; instance: string; random: () => number },
): Traces => {
  const { endpoint, headers, serviceName, sampleRatio } = tracing
  if (endpoint === undefined) return noTraces
  let sink: Promise<SpanSink> | undefined
  let recorded = Promise.resolve()
  const get = () => {
    sink ??= import('./tracing/otlp.ts').then(({ createOtlpSink }) =>
      createOtlpSink({ endpoint, headers, serviceName, version, ...given }),
    )
    return sink
  }
  return {
    enabled: true,
    sampled: () => random() < sampleRatio,
    record: (span) => {
      recorded = get()
        .then((made) => made.record(span))
        .catch((error) => given.log.warn({ err: error }, 'a span could not be recorded'))
    },
    flush: async () => {
      await recorded
      await (await sink)?.flush()
    },
    close: async () => {
      await recorded
      await (await sink)?.close()
    },
  }
}

const lazyMailer = ({ mail: { smtpUrl, folder } }: Config): Mailer | undefined => {
  if (smtpUrl === undefined && folder === undefined) return undefined
  let mailer: Promise<Mailer> | undefined
  const get = async (): Promise<Mailer> => {
    if (smtpUrl !== undefined) return (await import('./mail/smtp.ts')).createSmtpMailer(smtpUrl)
    return (await import('./mail/folder.ts')).createMailFolder(folder ?? '')
  }
  return {
    send: async (...args) => {
      mailer ??= get()
      return (await mailer).send(...args)
    },
    close: () => void mailer?.then((made) => made.close()),
  }
}

const lazyPublisher = (config: Config, log: Logger): Publisher => {
  let publisher: Promise<Publisher> | undefined
  const get = () => {
    publisher ??= import('./events/kafka.ts').then(({ createKafkaPublisher }) =>
      createKafkaPublisher({ brokers: config.kafka.brokers, log }),
    )
    return publisher
  }
  return {
    publish: async (...args) => (await get()).publish(...args),
    ready: async () => (await get()).ready(),
    close: async () => (await publisher)?.close(),
  }
}

const lazyLiveGateway = ({ region, live: { managementUrl: url } }: Config): LiveGateway => {
  let gateway: Promise<LiveGateway> | undefined
  const get = () => {
    if (url === undefined) throw new Error('LIVE_MANAGEMENT_URL is not set: nobody can be reached over WebSockets')
    gateway ??= import('./live/api-gateway.ts').then(({ createApiGateway }) => createApiGateway({ region, url }))
    return gateway
  }
  return {
    post: async (...args) => (await get()).post(...args),
    close: async (...args) => (await get()).close(...args),
    end: () => void gateway?.then((made) => made.end()),
  }
}

const lazyWeb = (config: Config): Web => {
  let web: Promise<Web> | undefined
  return {
    get: async (...args) => {
      web ??= import('./web/web.ts').then(({ createWeb }) => createWeb(config))
      return (await web).get(...args)
    },
    crawlDelaySeconds: config.web.crawlDelaySeconds,
    close: async () => (await web)?.close(),
  }
}
