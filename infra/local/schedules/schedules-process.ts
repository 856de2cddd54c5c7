import { fileURLToPath } from 'node:url'
import { createApp } from '../../../lib/app.ts'
import { readConfig } from '../../../lib/core/config.ts'
import { readHostConfig } from '../../../lib/core/host-config.ts'
import { createLog } from '../../../lib/core/log.ts'
import { createKafkaPublisher } from '../../../lib/events/kafka.ts'
import { republish } from '../../../lib/events/relay.ts'
import { createApiGateway } from '../../../lib/live/api-gateway.ts'
import { pass } from '../../../lib/schedule/every.ts'
import { releaseLeases } from '../../../lib/schedule/runner.ts'
import { withChaos } from '../chaos/with-chaos.ts'
import { mountSchedules, mountStreams } from '../host/functions.ts'
import type { KafkaStarted } from '../host/host-protocol.ts'
import { createStreamHost } from '../live/stream-host.ts'
import { gatherDoorbells } from '../queues/gathered-doorbells.ts'
import { untilDone } from '../shared/backoff.ts'
import { keepCompiled } from '../shared/compile-cache.ts'
import { beNice } from '../shared/niceness.ts'
import { type PeriodicTimer, startPeriodicTimer } from '../shared/periodic-timer.ts'
import type { SchedulesOptions } from './schedules.ts'
import type { FromSchedules, ToSchedules } from './schedules-protocol.ts'

// The process in which the functions of schedules and of Kafka run, so that the relay and the others don't delay requests. Its
// arguments: these functions' entries of serverless.yml, as JSON; the name of this process in leases; the number of Kafka's start,
// if that Kafka lacks the earlier events; and `embedded` for the embedded Kafka. The last three may be empty.

const NAME = 'schedules'
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/**
 * How long the relay gathers events after a nudge: a pass costs the same for many. Ten times as long as the last pass took, so
 * that passes of few events leave nine tenths of the time to the jobs.
 */
const GATHER_MS: Record<string, (lastRunMs: number) => number> = {
  relay: (lastRunMs) => Math.min(120, Math.max(20, 10 * lastRunMs)),
}
/** When processors are scarce, jobs and answers go first: events can wait. */
const NICENESS = 10

const [, , tableJson = '', instance, newKafkaStart, kind] = process.argv
const stopping = new AbortController()
const timers = new Map<string, PeriodicTimer>()
let kafkaAddress = process.env['KAFKA_BROKERS'] ?? ''
let latestKafkaStart = 0

const say = (message: FromSchedules): void => {
  if (process.connected) process.send?.(message, () => {})
}

const stop = async (): Promise<void> => {
  stopping.abort()
  await Promise.all([...timers.values(), ...streams].map((it) => it.stop()))
  await releaseLeases(app)
  await app.close()
  process.exit(0)
}

/**
 * Kafka has started with an empty log, and gets the earlier events again. That comes before the relay publishes anything else to
 * it: otherwise events that waited would come before earlier ones of the same jobs.
 */
const onKafka = ({ address, kafkaStart }: KafkaStarted): void => {
  if (kafkaStart === latestKafkaStart) return
  latestKafkaStart = kafkaStart
  for (const stream of streams) stream.follow(address)
  const refill = async (): Promise<void> => {
    kafkaAddress = address
    // Publishes nothing, but connects before the first event comes.
    const connecting = app.publisher.publish(config.kafka.topic, [])
    connecting.catch((error) => log.debug({ err: error }, 'Kafka is connected to later'))
    const failed = 'events could not be noted for another publication'
    if (!(await untilDone(() => republish(app), { log, failed, signal: stopping.signal }))) return
    say({ type: 'republished', kafkaStart })
  }
  void timers.get('relay')?.between(refill)
}

// Without its host the process ends: the next host starts one of its own.
process.on('disconnect', () => process.exit(0))
// A Ctrl-C is meant for the process that will tell this one to stop.
process.on('SIGINT', () => {})

const config = readConfig(process.env)
const log = createLog(config.logLevel, NAME)
const { region, live } = config
const publisher = createKafkaPublisher({ brokers: async () => kafkaAddress.split(','), log })
const made = await createApp(config, NAME, {
  log,
  // Loaded now, and not while the first listener waits for its first event.
  ...(live.managementUrl && { live: createApiGateway({ region, url: live.managementUrl }) }),
  committed: () => timers.get('relay')?.nudge(),
  ...(instance && { instance }),
  publisher: {
    ...publisher,
    publish: async (topic, messages) => {
      try {
        await publisher.publish(topic, messages)
      } finally {
        // After a failure too: some messages may have been published.
        for (const stream of streams) stream.wake()
      }
    },
  },
})
const reliable = { ...made, queue: gatherDoorbells(made.queue, log) }
const { chaosSeed } = readHostConfig(process.env)
const app = chaosSeed === undefined ? reliable : withChaos(reliable, chaosSeed, NAME)
const table = JSON.parse(tableJson) as SchedulesOptions['table']
const schedules = await mountSchedules(ROOT, table.schedules)
const streams = (await mountStreams(ROOT, table.streams)).map((it) =>
  createStreamHost({ app, ...it, rests: kind === 'embedded' }),
)

beNice(NICENESS)
for (const stream of streams) stream.follow(kafkaAddress)
for (const { functionName, periodic } of schedules) {
  const run = () => pass(app, periodic)
  timers.set(functionName, startPeriodicTimer(periodic.everySeconds, run, GATHER_MS[functionName]))
}
if (newKafkaStart) onKafka({ type: 'kafka', address: kafkaAddress, kafkaStart: Number(newKafkaStart) })
process.on('message', (message: ToSchedules) => {
  if (message.type === 'nudge') timers.get(message.functionName)?.nudge()
  if (message.type === 'kafka') onKafka(message)
  if (message.type === 'stop') void stop()
})
say({ type: 'ready' })
// A client's first call takes ten times as long as later ones, and no listener should wait for that. The host answers that there
// is no such connection.
app.live.post('none', '').catch((error) => log.debug({ err: error }, 'WebSockets are reached later'))
keepCompiled()
