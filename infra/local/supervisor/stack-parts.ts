import { join } from 'node:path'
import { giveRights } from '../../../db/functions-role.ts'
import { migrateUp } from '../../../db/migrate.ts'
import { type HostConfig, MAX_FUNCTION_SECONDS } from '../../../lib/core/host-config.ts'
import type { ProcessAction } from '../../../lib/system/host-control.ts'
import type { Component } from '../components/component.ts'
import { type KafkaBroker, startKafka } from '../components/kafka.ts'
import { asFunctions, type Postgres, startPostgres } from '../components/postgres.ts'
import { type SqsS3, startSqsS3 } from '../components/sqs-s3.ts'
import type { FromHost, KafkaStarted, PartState } from '../host/host-protocol.ts'
import { createLineLog } from '../shared/log-file.ts'
import { endWorkers, type Host, startHost } from './host-component.ts'
import { localEnvironment, mailFolder, type Secrets } from './local-config.ts'
import type { RunFile } from './run-file.ts'
import type { Terminal } from './terminal.ts'

/** What the parts of the stack know of each other. */
export interface StackState {
  config: HostConfig
  url: string
  /** The environment that the stack was started in; what the parts say about themselves goes before it. */
  env: Record<string, string | undefined>
  secrets: Secrets
  runFile: RunFile
  terminal: Terminal
  /** Each part as it last ran. */
  latest: { postgres?: Postgres; sqsS3?: SqsS3; kafka?: KafkaBroker; host?: Host | undefined }
  /**
   * The starting or running host: the environment that it was given, what ends it while it starts, and the part that came back
   * elsewhere, once it was ended for that.
   */
  toldHost?: { env: Record<string, string>; starting: AbortController; renewedFor?: string }
  /** What the supervisor keeps running, for the host to see and act on. */
  control: { list(): PartState[]; act(name: string, action: ProcessAction): void }
  /** The host's worker processes, by name. */
  workers: Map<string, number>
  /** All parts that the host needs have run once. */
  needed: Promise<unknown>
  kafkaStarts: number
  /** The start of Kafka for which events were published again. */
  republishedFor: number
}

/** How one part of the stack is started, and what follows from its coming and going. */
export interface Part<C extends Component> {
  name: string
  /** Whether an admin can stop it and, over the API, start it again. */
  canStop: boolean
  describe(component: C, state: StackState): { address: string; what: string }
  /** @param port that it had before, and others know it by */
  start(state: StackState, port: number | undefined): Promise<C>
  onUp(state: StackState, component: C): void
  /** @returns what the stack itself ended it for, if it did; undefined if it died */
  onDown?(state: StackState): string | undefined
}

export const postgresPart: Part<Postgres> = {
  name: 'postgres',
  canStop: false,
  describe: ({ port }) => ({ address: `127.0.0.1:${port}`, what: 'PostgreSQL, migrations applied' }),
  start: async ({ config, latest }, port) => {
    const postgres = await startPostgres({ dataDir: join(config.dataDir, 'postgres'), ...(port && { port }) })
    // After a crash everybody waits for it, and its database is already migrated; unless somebody has removed the data folder,
    // so that the database is new and has another password.
    if (latest.postgres?.url === postgres.url) return postgres
    try {
      await migrateUp(postgres.url)
      await giveRights(postgres.url, asFunctions(postgres.url))
    } catch (error) {
      await postgres.stop()
      throw error
    }
    return postgres
  },
  onUp: (state, postgres) => {
    state.latest.postgres = postgres
    renewHost(state, 'postgres')
  },
}

export const sqsS3Part: Part<SqsS3> = {
  name: 'sqs-s3',
  canStop: true,
  describe: ({ port }) => ({ address: `127.0.0.1:${port}`, what: 'SQS and S3 (fauxqs)' }),
  start: ({ config }, port) =>
    logged(config, 'sqs-s3', (onLine) =>
      startSqsS3({
        onLine,
        dataDir: config.dataDir,
        visibilityTimeoutSeconds: visibilityTimeoutSeconds(config.functionTimeoutSeconds),
        ...(port && { port }),
      }),
    ),
  onUp: (state, sqsS3) => {
    state.latest.sqsS3 = sqsS3
    renewHost(state, 'sqs-s3')
  },
}

export const kafkaPart: Part<KafkaBroker> = {
  name: 'kafka',
  canStop: true,
  describe: ({ address }) => ({ address, what: 'Kafka (librdkafka, in memory)' }),
  start: ({ config }) => logged(config, 'kafka', (onLine) => startKafka({ onLine })),
  onUp: (state, kafka) => {
    state.latest.kafka = kafka
    state.kafkaStarts++
    tellKafka(state)
  },
}

export const hostPart: Part<Host> = {
  name: 'host',
  canStop: false,
  describe: ({ ready }, { url }) => ({
    address: url,
    what: `${ready.routes} routes, ${ready.queues.length} queues, ${ready.schedules} schedules`,
  }),
  start: async (state) => {
    const { dataDir, logLevel: _, ...config } = state.config
    await endWorkers([...state.workers.values()])
    for (const name of state.workers.keys()) state.runFile.remove(name)
    state.workers.clear()
    const starting = new AbortController()
    const options = state.needed.then(() => {
      const env = environmentOf(state)
      state.toldHost = { env, starting }
      return { ...config, dataDir, env, newKafka: newKafkaOf(state) }
    })
    return startHost(dataDir, givenTo(state), options, (message) => hear(state, message), starting.signal)
  },
  onUp: (state, host) => {
    state.latest.host = host
    tellKafka(state)
  },
  onDown: (state) => {
    state.latest.host = undefined
    const renewedFor = state.toldHost?.renewedFor
    delete state.toldHost?.renewedFor
    return renewedFor && `was ended, since ${renewedFor} has another address now`
  },
}

/** Starts a part that prints, with a log for what it prints. */
const logged = async <C extends Component>(
  { dataDir }: HostConfig,
  name: string,
  start: (onLine: (line: string) => void) => Promise<C>,
): Promise<C> => {
  const log = createLineLog(dataDir, name)
  try {
    const component = await start(log.write)
    void component.exited.then(log.end)
    return component
  } catch (error) {
    log.end()
    throw error
  }
}

/** The functions' configuration as of now. */
const environmentOf = (state: StackState): Record<string, string> => {
  const { config, url, latest, secrets } = state
  const { postgres, sqsS3, kafka } = latest
  if (!postgres || !sqsS3 || !kafka) throw new Error('the host cannot start before what it needs')
  const mails = { MAIL_FOLDER: mailFolder(config.dataDir), PUBLIC_URL: url }
  return {
    ...mails,
    ...givenTo(state),
    ...localEnvironment({ postgres: { url: asFunctions(postgres.socketUrl) }, sqsS3, kafka }, secrets),
  }
}

const givenTo = ({ env }: StackState): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/**
 * A part that came back on another port changes the configuration, and needs a new host. A host that is just starting would look
 * for the part where it was.
 */
const renewHost = (state: StackState, part: string): void => {
  if (!state.toldHost) return
  const { env, starting } = state.toldHost
  const now = environmentOf(state)
  const changed = Object.keys(now).some((name) => name !== 'KAFKA_BROKERS' && now[name] !== env[name])
  if (!changed) return
  state.toldHost.renewedFor = part
  if (state.latest.host) void state.latest.host.stop()
  else starting.abort('what it needs is elsewhere now')
}

/** Kafka has another address after each start. The host takes it without being restarted. */
const tellKafka = (state: StackState): void => {
  const started = newKafkaOf(state)
  if (started) state.latest.host?.tell(started)
}

const newKafkaOf = ({ latest, kafkaStarts, republishedFor }: StackState): KafkaStarted | undefined =>
  latest.kafka && kafkaStarts !== republishedFor
    ? { type: 'kafka', address: latest.kafka.address, kafkaStart: kafkaStarts }
    : undefined

const hear = (state: StackState, message: FromHost): void => {
  if (message.type === 'notice') state.terminal.notice(message.text)
  if (message.type === 'list-parts') {
    state.latest.host?.tell({ type: 'parts', id: message.id, parts: state.control.list() })
  }
  if (message.type === 'act') state.control.act(message.name, message.action)
  if (message.type === 'republished') state.republishedFor = message.kafkaStart
  if (message.type === 'worker-started') {
    state.workers.set(message.name, message.pid)
    state.runFile.set({ name: message.name, pid: message.pid, port: null })
  }
  if (message.type === 'worker-ended') {
    state.workers.delete(message.name)
    state.runFile.remove(message.name)
  }
}

/**
 * Six times the function's time, as AWS recommends: a message isn't delivered again while it is handled or waits for that. The
 * functions' own times aren't used: SQS would have to wait until serverless.yml is read.
 */
const visibilityTimeoutSeconds = (functionTimeoutSeconds = MAX_FUNCTION_SECONDS): number =>
  Math.ceil(functionTimeoutSeconds * 6)
