import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { App } from '../../../lib/app.ts'
import type { QueueName } from '../../../lib/queue/doorbells.ts'
import type { QueueEntry } from '../host/routing-table.ts'
import type { Worker } from '../workers/worker.ts'
import { createWorkerPool, type Death } from '../workers/worker-pool.ts'
import { startPoller } from './poller.ts'

export interface QueueHostOptions {
  app: App
  entry: QueueEntry
  root: string
  /** Of the worker processes. */
  env: Record<string, string | undefined>
  timeoutMs: number
  /** Worker processes at once, in place of what fits the machine. */
  concurrency: number | undefined
  openLog: (name: string) => number
  onCommitted: () => void
  onStarted: (worker: Worker) => void
  onEnded: (worker: Worker, death: Death | undefined) => void
}

export interface QueueHost {
  stop(graceMs: number): Promise<void>
}

const SURPLUS_CHECK_MS = 30_000

/** One queue function: its poller and its worker processes. */
export const startQueueHost = (options: QueueHostOptions): QueueHost => {
  const { app, entry } = options
  const size = Math.min(entry.maximumConcurrency, options.concurrency ?? fittingConcurrency(entry.queue))
  const pool = createWorkerPool({
    functionName: entry.functionName,
    handlerFile: join(options.root, entry.handlerFile),
    exportName: entry.exportName,
    env: options.env,
    openLog: options.openLog,
    onCommitted: options.onCommitted,
    onStarted: options.onStarted,
    onEnded: options.onEnded,
    size,
    most: entry.maximumConcurrency,
    timeoutMs: options.timeoutMs,
  })
  const poller = startPoller({
    queue: entry.queue,
    sqs: app.queue,
    region: app.config.region,
    batchSize: entry.batchSize,
    batchingWindowSeconds: entry.batchingWindowSeconds,
    maximumConcurrency: pool.atOnce,
    timeoutMs: options.timeoutMs,
    invoke: pool.invoke,
    log: app.log,
  })
  // The first job after a start shouldn't wait for a process. Workers of the other queues are started when they are needed.
  if (entry.queue === 'default') {
    pool.warm().catch((error) => app.log.error({ err: error, queue: entry.queue }, 'no worker could be started'))
  }
  const looking = setInterval(() => pool.endSurplus(), SURPLUS_CHECK_MS)
  return {
    stop: async (graceMs) => {
      clearInterval(looking)
      const polled = poller.stop()
      await pool.stop(graceMs)
      await polled
    },
  }
}

/** Short jobs wait for the database more than they compute; each bulk job keeps Postgres busy by itself. */
const fittingConcurrency = (queue: QueueName): number => {
  const cores = availableParallelism()
  return queue === 'bulk' ? Math.min(4, Math.ceil(cores / 2)) : Math.min(8, Math.max(2, cores))
}
