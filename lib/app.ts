import { createPool, type Pool, type Sql } from '../db/client.ts'
import * as apiKeys from '../db/queries/api-keys.ts'
import type { MetricTotal } from '../db/queries/metrics.ts'
import * as metricTotals from '../db/queries/metrics.ts'
import { createKeyUses, type KeyUses } from './auth/key-uses.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { type Config, readConfig } from './core/config.ts'
import { newId } from './core/ids.ts'
import { lazily } from './core/lazily.ts'
import { createLog, type Logger } from './core/log.ts'
import type { Publisher } from './events/publisher.ts'
import type { FileStore } from './files/store.ts'
import type { LiveGateway } from './live/gateway.ts'
import type { Mailer } from './mail/mailer.ts'
import { createRecorder, type Recorder, shardOf } from './metrics/recorder.ts'
import type { DoorbellQueue, QueueName } from './queue/doorbells.ts'
import type { HostControl } from './system/host-control.ts'
import { noTraces, type Traces } from './tracing/traces.ts'
import type { Web } from './web/web.ts'

/**
 * Reads what may take the database seconds, for a person: a search, a count of thousands of rows. A process that answers many
 * at once does it in turns, over connections of its own, so that everything else finds one.
 * @throws {StintError} RATE_LIMITED when too many of the person's wait for their turn
 */
type Scan = <T>(userId: string, read: (sql: Sql) => Promise<T>) => Promise<T>

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
  const queue = lazily(async () =>
    (await import('./queue/sqs.ts')).createSqsDoorbells({ ...config.sqs, region: config.region, onSent }),
  )
  return {
    ...queue.methods('ring', 'receive', 'delete', 'visible'),
    close: () => void queue.made().then((made) => made?.close()),
  }
}

const lazyFiles = (config: Config): FileStore => {
  const store = lazily(async () =>
    (await import('./files/s3.ts')).createS3Files({ ...config.s3, region: config.region }),
  )
  return {
    ...store.methods('put', 'open', 'get', 'head', 'delete', 'deleteAll', 'downloadUrl', 'uploadUrl', 'ready'),
    close: () => void store.made().then((made) => made?.close()),
  }
}

const lazyTraces = (
  { tracing, version }: Config,
  { random, ...given }: { log: Logger; instance: string; random: () => number },
): Traces => {
  const { endpoint, headers, serviceName, sampleRatio } = tracing
  if (endpoint === undefined) return noTraces
  const sink = lazily(async () =>
    (await import('./tracing/otlp.ts')).createOtlpSink({ endpoint, headers, serviceName, version, ...given }),
  )
  let recorded = Promise.resolve()
  return {
    enabled: true,
    sampled: () => random() < sampleRatio,
    record: (span) => {
      recorded = sink
        .get()
        .then((made) => made.record(span))
        .catch((error) => given.log.warn({ err: error }, 'a span could not be recorded'))
    },
    flush: async () => {
      await recorded
      await (await sink.made())?.flush()
    },
    close: async () => {
      await recorded
      await (await sink.made())?.close()
    },
  }
}

const lazyMailer = ({ mail: { smtpUrl, folder } }: Config): Mailer | undefined => {
  if (smtpUrl === undefined && folder === undefined) return undefined
  const mailer = lazily(async (): Promise<Mailer> => {
    if (smtpUrl !== undefined) return (await import('./mail/smtp.ts')).createSmtpMailer(smtpUrl)
    return (await import('./mail/folder.ts')).createMailFolder(folder ?? '')
  })
  return { ...mailer.methods('send'), close: () => void mailer.made().then((made) => made?.close()) }
}

const lazyPublisher = (config: Config, log: Logger): Publisher => {
  const publisher = lazily(async () =>
    (await import('./events/kafka.ts')).createKafkaPublisher({ brokers: config.kafka.brokers, log }),
  )
  return { ...publisher.methods('publish', 'ready'), close: async () => (await publisher.made())?.close() }
}

const lazyLiveGateway = ({ region, live: { managementUrl: url } }: Config): LiveGateway => {
  const gateway = lazily(async () => {
    if (url === undefined) throw new Error('LIVE_MANAGEMENT_URL is not set: nobody can be reached over WebSockets')
    return (await import('./live/api-gateway.ts')).createApiGateway({ region, url })
  })
  return { ...gateway.methods('post', 'close'), end: () => void gateway.made().then((made) => made?.end()) }
}

const lazyWeb = (config: Config): Web => {
  const web = lazily(async () => (await import('./web/web.ts')).createWeb(config))
  return {
    ...web.methods('get'),
    crawlDelaySeconds: config.web.crawlDelaySeconds,
    close: async () => (await web.made())?.close(),
  }
}
