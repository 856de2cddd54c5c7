import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { MAX_FUNCTION_SECONDS } from '../../../lib/core/host-config.ts'
import { QUEUES, type QueueName } from '../../../lib/queue/doorbells.ts'

/** A deployed function, as the host finds it: `functions/http/auth.handler` is `handler` of `functions/http/auth.ts`. */
export interface FunctionEntry {
  functionName: string
  /** Relative to the repository. */
  handlerFile: string
  exportName: string
  timeoutSeconds: number
}

export interface HttpEntry extends FunctionEntry {
  method: string
  path: string
}

export interface QueueEntry extends FunctionEntry {
  queue: QueueName
  batchSize: number
  batchingWindowSeconds: number
  maximumConcurrency: number
}

export interface ScheduleEntry extends FunctionEntry {
  /** As EventBridge takes it: `rate(1 minute)`. */
  rate: string
}

export interface SocketEntry extends FunctionEntry {
  route: '$connect' | '$disconnect' | '$default'
}

export interface StreamEntry extends FunctionEntry {
  /** Records per event, at most. */
  batchSize: number
  consumerGroupId: string
}

export interface Cors {
  allowedOrigins: string[]
  allowedHeaders: string[]
  allowedMethods: string[]
  exposedResponseHeaders: string[]
  maxAgeSeconds: number
}

export interface RoutingTable {
  http: HttpEntry[]
  queues: QueueEntry[]
  /** The functions for the queues' dead letters. */
  deadLetters: QueueEntry[]
  schedules: ScheduleEntry[]
  sockets: SocketEntry[]
  streams: StreamEntry[]
  /** Functions without a trigger: deployments call them by name. */
  operations: FunctionEntry[]
  cors: Cors
}

class RoutingTableError extends Error {
  override readonly name = 'RoutingTableError'
}

/**
 * Reads the one routing table, serverless.yml, as the local host needs it. Variables (`${…}`) are not resolved: the fields read
 * here may not contain any.
 *
 * @throws {RoutingTableError} that lists every entry that can't be understood
 */
export const readRoutingTable = (path: string): RoutingTable => {
  const parsed = file.safeParse(parse(readFileSync(path, 'utf8')))
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new RoutingTableError(`${path} is not a routing table:\n  ${problems.join('\n  ')}`)
  }
  const { cors } = parsed.data.provider.httpApi
  const table: RoutingTable = {
    http: [],
    queues: [],
    deadLetters: [],
    schedules: [],
    sockets: [],
    streams: [],
    operations: [],
    cors,
  }
  for (const [functionName, { image, timeout, events }] of Object.entries(parsed.data.functions)) {
    const entry: FunctionEntry = { functionName, ...image.command, timeoutSeconds: timeout }
    if (events.length === 0) table.operations.push(entry)
    for (const { httpApi, sqs, schedule, websocket, kafka } of events) {
      if (httpApi) table.http.push({ ...entry, ...httpApi })
      if (sqs) table[sqs.of].push({ ...entry, ...sqs.trigger })
      if (websocket) table.sockets.push({ ...entry, ...websocket })
      if (kafka) table.streams.push({ ...entry, ...kafka })
      if (schedule) table.schedules.push(...schedule.map((rate) => ({ ...entry, rate })))
    }
  }
  refuseRepeats(table, path)
  return table
}

const refuseRepeats = ({ http, queues, deadLetters, sockets }: RoutingTable, path: string): void => {
  const keys = [
    ...http.map((it) => `${it.method} ${it.path}`),
    ...queues.map((it) => `the queue ${it.queue}`),
    ...deadLetters.map((it) => `the dead letters of ${it.queue}`),
    ...sockets.map((it) => it.route),
  ]
  const repeated = keys.filter((key, index) => keys.indexOf(key) !== index)
  if (repeated.length > 0) throw new RoutingTableError(`${path} gives to two functions: ${repeated.join(', ')}`)
}

const methodAndPath = z.preprocess(
  (given) => {
    if (typeof given !== 'string') return given
    const [method, path] = given.split(' ')
    return { method, path }
  },
  z.object({
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
    path: z.string('expected "METHOD /path"').startsWith('/'),
  }),
)

/** `Fn::GetAtt: [DefaultQueue, Arn]` is the queue `default`, `[DefaultDeadLetters, Arn]` its dead letters. */
const queueOfArn = z
  .object(
    { 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) },
    'expected Fn::GetAtt: [<Name>Queue, Arn] or [<Name>DeadLetters, Arn]',
  )
  .transform(({ 'Fn::GetAtt': [name] }) => ({
    of: name.endsWith('DeadLetters') ? ('deadLetters' as const) : ('queues' as const),
    queue: name.replace(/(Queue|DeadLetters)$/, '').toLowerCase(),
  }))
  .pipe(z.object({ of: z.enum(['queues', 'deadLetters']), queue: z.enum(QUEUES) }))

const queueTrigger = z
  .object({
    arn: queueOfArn,
    batchSize: z.int().min(1).max(10),
    maximumBatchingWindow: z.int().min(0).max(300),
    maximumConcurrency: z.int().min(2).max(1_000),
    functionResponseType: z.literal('ReportBatchItemFailures'),
  })
  .transform(({ arn: { of, queue }, batchSize, maximumBatchingWindow, maximumConcurrency }) => ({
    of,
    trigger: { queue, batchSize, batchingWindowSeconds: maximumBatchingWindow, maximumConcurrency },
  }))

const rates = z.preprocess((given) => {
  const rate = typeof given === 'object' && given !== null && 'rate' in given ? given.rate : given
  return typeof rate === 'string' ? [rate] : rate
}, z.array(z.string()).min(1))

const socketTrigger = z.preprocess(
  (given) => (typeof given === 'string' ? { route: given } : given),
  z
    .object({
      route: z.enum(['$connect', '$disconnect', '$default']),
      routeResponseSelectionExpression: z.literal('$default').optional(),
    })
    .transform(({ route }) => ({ route })),
)

/** The brokers, and how to reach them, differ from stage to stage, and aren't read. */
const streamTrigger = z
  .object({ topic: z.string(), batchSize: z.int().min(1).max(10_000), consumerGroupId: z.string() })
  .transform(({ batchSize, consumerGroupId }) => ({ batchSize, consumerGroupId }))

const trigger = z
  .strictObject({
    httpApi: methodAndPath.optional(),
    sqs: queueTrigger.optional(),
    schedule: rates.optional(),
    websocket: socketTrigger.optional(),
    kafka: streamTrigger.optional(),
  })
  .refine((it) => Object.keys(it).length === 1, 'expected exactly one trigger')

/** `["functions/http/auth.handler"]`: the file without its ending, a dot, the export. */
const command = z
  .tuple([z.string().regex(/^functions\/[a-z-]+\/[a-z-]+\.[A-Za-z]+$/, 'expected functions/<trigger>/<file>.<export>')])
  .transform(([text]) => {
    const dot = text.lastIndexOf('.')
    return { handlerFile: `${text.slice(0, dot)}.ts`, exportName: text.slice(dot + 1) }
  })

const cors = z
  .object({
    allowedOrigins: z.array(z.string()),
    allowedHeaders: z.array(z.string()),
    allowedMethods: z.array(z.string()),
    exposedResponseHeaders: z.array(z.string()),
    maxAge: z.int().min(0),
  })
  .transform(({ maxAge, ...rest }): Cors => ({ ...rest, maxAgeSeconds: maxAge }))

const file = z.object({
  provider: z.object({ httpApi: z.object({ cors }) }),
  functions: z.record(
    z.string(),
    z.object({
      image: z.object({ command }),
      timeout: z.int().min(1).max(MAX_FUNCTION_SECONDS),
      events: z.array(trigger).default([]),
    }),
  ),
})
