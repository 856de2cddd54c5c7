import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { migrateUp } from '../../db/migrate.ts'
import { handler as submit } from '../../functions/http/submissions.ts'
import { handler as push } from '../../functions/kafka/live.ts'
import { handler as worker } from '../../functions/queue/worker.ts'
import { handler as relay } from '../../functions/schedule/relay.ts'
import { startPostgres } from '../../infra/local/components/postgres.ts'
import { startSqsS3 } from '../../infra/local/components/sqs-s3.ts'
import { toHttpEvent } from '../../infra/local/http/http-event.ts'
import { toKafkaEvent } from '../../infra/local/live/kafka-event.ts'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { localEnvironment, makeSecrets } from '../../infra/local/supervisor/local-config.ts'
import { type App, createApp } from '../../lib/app.ts'
import { readConfig } from '../../lib/core/config.ts'
import type { Message } from '../../lib/events/publisher.ts'
import { call } from '../../tests/support/http-client.ts'
import { lambdaContext } from '../../tests/support/lambda-context.ts'
import { sqsEvent } from '../../tests/support/worker-run.ts'
import { type Counted, MEASURED, type Measured } from './measured.ts'

// `npm run cost:measure`: what AWS would count of jobs that do nothing, submitted one by one and in batches: the functions'
// time, their calls, the requests to SQS, the statements. The functions are called as Lambda calls them, one request at a
// time, in this process, on the embedded PostgreSQL and SQS. Writes bench/aws/measured.json, which `npm run cost` reads.

const WARM_UP = 50
const SINGLES = 200
const BATCHES = 10
/** Events are collected here and not sent: Kafka is paid by the hour, however much it is used. */
const NO_BROKER = 'localhost:1'
const JOBS_PER_BATCH = 1_000

const folder = scratchFolder('cost')
const [postgres, sqsS3] = await Promise.all([
  startPostgres({ dataDir: join(folder, 'postgres') }),
  startSqsS3({ dataDir: folder }),
])
await migrateUp(postgres.url)

let logged = 0
let sqsRequests = 0
const write = (line: string): void => {
  logged += Buffer.byteLength(line)
}
const log = pino({ level: 'info' }, { write })
const environment = localEnvironment({ postgres, sqsS3, kafka: { address: NO_BROKER } }, makeSecrets())
const plain = await createApp(readConfig({ ...environment, DATABASE_PREPARE: 'false' }), 'cost', { log })
const published: Message[] = []
const app: App = {
  ...plain,
  publisher: { ...plain.publisher, publish: async (_topic, messages) => void published.push(...messages) },
  queue: {
    ...plain.queue,
    ring: async (...args) => {
      sqsRequests += 1
      return plain.queue.ring(...args)
    },
    receive: async (...args) => {
      const received = await plain.queue.receive(...args)
      // A receive that finds nothing isn't caused by a job: Lambda asks all day long, and that is counted separately.
      if (received.length > 0) sqsRequests += 1
      return received
    },
    delete: async (...args) => {
      sqsRequests += 1
      return plain.queue.delete(...args)
    },
  },
}

const account = { email: 'cost@example.com', password: 'correct horse battery', name: 'Cost' }
const token: string = (await call(app, 'POST', '/auth/register', { body: account })).body.accessToken
const noop = { kind: 'debug.noop', input: {} }

const statements = async (): Promise<number> => {
  const [row] = await app.sql`SELECT (xact_commit + xact_rollback)::integer AS count
    FROM pg_stat_database WHERE datname = current_database()`
  return row?.['count']
}

/** Postgres reports statements a second after they ran. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 1_500))

/** How long each call of a function took. */
let took: number[] = []

const timed = async <T>(call: () => Promise<T>): Promise<T> => {
  const began = performance.now()
  const result = await call()
  took.push(performance.now() - began)
  return result
}

/** The slowest of the quickest tenth: it leaves out what else the machine did meanwhile. */
const quick = (): number => took.toSorted((a, b) => a - b)[Math.floor(took.length / 10)] ?? Number.NaN

const measure = async (jobs: number, work: () => Promise<unknown>): Promise<Counted> => {
  await settled()
  const before = { sqsRequests, statements: await statements() }
  took = []
  await work()
  await settled()
  return {
    ms: (quick() * took.length) / jobs,
    calls: took.length / jobs,
    sqsRequests: (sqsRequests - before.sqsRequests) / jobs,
    statements: ((await statements()) - before.statements) / jobs,
  }
}

const post = async (path: string, body: object): Promise<void> => {
  const event = toHttpEvent({
    method: 'POST',
    url: path,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    ip: '203.0.113.7',
    requestId: 'cost',
    routeKey: `POST ${path}`,
  })
  const { statusCode } = await timed(() => submit(event, lambdaContext(app, 29)))
  if (statusCode !== 202) throw new Error(`POST ${path} was answered with ${statusCode}`)
}

/** Calls the worker with what the queue has, until the queue is empty. */
const drain = async (max: number): Promise<void> => {
  for (;;) {
    const received = await app.queue.receive('default', { max, waitSeconds: 0 })
    if (received.length === 0) return
    const event = sqsEvent(received, app.config.sqs.queueUrls.default, app.config.region)
    await timed(() => worker(event, lambdaContext(app, 900)))
    const handles = received.map(({ receiptHandle }) => receiptHandle)
    await app.queue.delete('default', handles)
  }
}

const times = async (count: number, work: () => Promise<unknown>): Promise<void> => {
  for (let n = 0; n < count; n++) await work()
}

/** One event at a time, as they come when little happens; nobody is connected. */
const pushAll = async (messages: Message[]): Promise<void> => {
  for (const { key, value } of messages) {
    const record = { partition: 0, offset: 0, timestamp: 0, key: Buffer.from(key), value, headers: {} }
    await timed(() =>
      push(
        toKafkaEvent(app.config.kafka.topic, NO_BROKER, () => [record]),
        lambdaContext(app, 60),
      ),
    )
  }
}

const rounded = ({ ms, calls, sqsRequests, statements }: Counted): Counted => ({
  ms: Number(ms.toPrecision(2)),
  calls: Number(calls.toPrecision(2)),
  sqsRequests: Number(sqsRequests.toPrecision(2)),
  statements: Number(statements.toPrecision(2)),
})

try {
  await times(WARM_UP, () => post('/jobs', noop))
  await drain(10)
  await relay.periodic.run(app)

  const one = {
    submit: await measure(SINGLES, () => times(SINGLES, () => post('/jobs', noop))),
    // Each job in a call of its own, as when they come now and then.
    work: await measure(SINGLES, () => drain(1)),
  }
  const loggedBefore = logged
  const jobs = BATCHES * JOBS_PER_BATCH
  const body = { jobs: Array.from({ length: JOBS_PER_BATCH }, () => noop) }
  const batch = {
    submit: await measure(jobs, () => times(BATCHES, () => post('/jobs/batch', body))),
    work: await measure(jobs, () => drain(10)),
  }
  const logBytesPerJob = Math.ceil((logged - loggedBefore) / jobs)

  const pushed = await measure(published.length, () => pushAll(published))
  const measured: Measured = {
    date: new Date().toISOString().slice(0, 10),
    one: { submit: rounded(one.submit), work: rounded(one.work) },
    batch: { submit: rounded(batch.submit), work: rounded(batch.work) },
    pushMsPerEvent: Number(pushed.ms.toPrecision(2)),
    logBytesPerJob,
  }
  writeFileSync(MEASURED, `${JSON.stringify(measured, null, 2)}\n`)
  console.log(JSON.stringify(measured, null, 2))
} finally {
  await plain.close()
  await Promise.all([postgres.stop(), sqsS3.stop()])
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
