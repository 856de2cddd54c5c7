import { type Component, ComponentError, startChild } from './component.ts'

export interface KafkaBroker extends Component {
  /** `host:port`, as clients are configured. */
  address: string
}

/** How librdkafka logs where its mock cluster listens; no call tells it. */
const ADDRESS = /Mock cluster enabled: .* replaced with (127\.0\.0\.1:(\d+))/

/**
 * A Kafka broker in memory: librdkafka's mock cluster. It speaks Kafka's protocol (produce, fetch, consumer groups), creates
 * topics with four partitions when they are first asked for, and keeps the newest 5 MB or 100 000 messages of each partition.
 * Each start has another port, and an empty log.
 */
export const startKafka = async ({ onLine }: { onLine?: (line: string) => void } = {}): Promise<KafkaBroker> => {
  const announced = Promise.withResolvers<{ address: string; port: number }>()
  const child = await startChild<'made'>({
    name: 'kafka',
    entry: 'kafka-process.ts',
    options: {},
    env: { RUST_LOG: 'info' },
    readySeconds: 30,
    onLine: (line) => {
      onLine?.(line)
      const [, address, port] = ADDRESS.exec(line) ?? []
      if (address) announced.resolve({ address, port: Number(port) })
    },
  })
  const listening = await Promise.race([announced.promise, child.exited.then(() => undefined)])
  if (!listening) throw new ComponentError('kafka did not start: it ended before it named its address')
  return { name: 'kafka', pid: child.process.pid ?? 0, ...listening, stop: child.stop, exited: child.exited }
}
