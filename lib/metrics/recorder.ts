import { createHash } from 'node:crypto'
import type { MetricTotal } from '../../db/queries/metrics.ts'
import type { Logger } from '../core/log.ts'
import { waitAtMost } from '../core/wait-at-most.ts'
import { boundsOf, type CounterName, type HistogramName, type Labels, METRICS, type Metric } from './catalogue.ts'

/** Between two writes of one process, in milliseconds. */
export const WRITE_EVERY_MS = 5_000

/** How long a flush waits for its write at most: a database that doesn't answer must not hold up requests. */
const PATIENCE_MS = 1_000

/** Counts and measures in memory; what was counted is added to the totals of all processes every few seconds. */
export interface Recorder {
  count<Name extends CounterName>(name: Name, labels: Labels<Name>, by?: number): void
  /** @param value in the unit of the metric's name: seconds */
  observe<Name extends HistogramName>(name: Name, labels: Labels<Name>, value: number): void
  /**
   * Writes what was counted. If that fails, it is logged, and the counts are written the next time. Functions that are frozen
   * between invocations call it at the end of each; elsewhere a timer does.
   */
  flush(): Promise<void>
  /** The same where somebody waits for an answer: once in five seconds at most. */
  flushIfDue(): Promise<void>
  /** Writes what is left. */
  close(): Promise<void>
}

export interface RecorderOptions {
  write: (totals: MetricTotal[]) => Promise<void>
  log: Pick<Logger, 'warn'>
  /** Milliseconds since the Unix epoch: a monotonic clock may stand still while a function is frozen. */
  now: () => number
}

/** One metric with one set of labels: a counter's one number, or a histogram's buckets and, last, its sum. */
interface Series {
  name: string
  metric: Metric
  labels: Readonly<Record<string, string>>
  numbers: number[]
}

export const createRecorder = ({ write, log, now }: RecorderOptions): Recorder => {
  let counted = new Map<string, Series>()
  let timer: NodeJS.Timeout | undefined
  let writtenAt = 0
  let written: Promise<void> = Promise.resolve()
  let closed = false

  const seriesOf = (name: CounterName | HistogramName, labels: Readonly<Record<string, string>>): Series => {
    const metric: Metric = METRICS[name]
    let key: string = name
    for (const label of metric.labels) key += `\n${labels[label]}`
    const known = counted.get(key)
    if (known) return known
    const numbers = metric.buckets ? new Array<number>(metric.buckets.length + 2).fill(0) : [0]
    const own = Object.fromEntries(metric.labels.map((label) => [label, labels[label] ?? '']))
    const made = { name, metric, labels: own, numbers }
    counted.set(key, made)
    writeLater()
    return made
  }

  const writeLater = (): void => {
    if (!closed) timer ??= setTimeout(flush, WRITE_EVERY_MS).unref()
  }

  const mergeBack = (batch: Map<string, Series>): void => {
    const since = counted
    counted = batch
    for (const [key, series] of since) {
      const earlier = batch.get(key)
      if (earlier) earlier.numbers = earlier.numbers.map((number, i) => number + (series.numbers[i] ?? 0))
      else batch.set(key, series)
    }
    writeLater()
  }

  const writeAll = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (counted.size === 0) return
    const batch = counted
    counted = new Map()
    writtenAt = now()
    try {
      await write([...batch.values()].flatMap(toTotals))
    } catch (error) {
      mergeBack(batch)
      log.warn({ err: error }, 'metrics could not be written; they are kept')
    }
  }

  /** One write at a time; a flush during one comes after it. */
  const flush = (): Promise<void> => {
    written = written.then(writeAll)
    return waitAtMost(written, PATIENCE_MS)
  }

  return {
    count: (name, labels, by = 1) => {
      const { numbers } = seriesOf(name, labels)
      numbers[0] = (numbers[0] ?? 0) + by
    },
    observe: (name, labels, value) => {
      const { numbers, metric } = seriesOf(name, labels)
      const bounds = metric.buckets ?? []
      let bucket = 0
      while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
      numbers[bucket] = (numbers[bucket] ?? 0) + 1
      const sum = numbers.length - 1
      numbers[sum] = (numbers[sum] ?? 0) + Math.max(0, value)
    },
    flush,
    flushIfDue: () => (now() - writtenAt >= WRITE_EVERY_MS ? flush() : waitAtMost(written, PATIENCE_MS)),
    close: () => {
      closed = true
      return flush()
    },
  }
}

/** Which of the 16 shards a process adds to. */
export const shardOf = (instance: string): number => (createHash('sha256').update(instance).digest()[0] ?? 0) % 16

const toTotals = ({ name, metric, labels, numbers }: Series): MetricTotal[] => {
  const parts = metric.buckets ? [...boundsOf(metric), 'sum'] : ['total']
  return parts.flatMap((part, i) => {
    const total = numbers[i] ?? 0
    return total === 0 ? [] : [{ metric: name, labels, part, total }]
  })
}
