import type { App } from '../../../lib/app.ts'
import type { HostConfig } from '../../../lib/core/host-config.ts'
import { endLeasesOf } from '../../../lib/jobs/sweep.ts'
import { howEnded } from '../components/component.ts'
import { mountBatches } from '../host/functions.ts'
import type { RoutingTable } from '../host/routing-table.ts'
import { untilDone } from '../shared/backoff.ts'
import type { Worker } from '../workers/worker.ts'
import type { Death } from '../workers/worker-pool.ts'
import { startDeadLetterHost } from './dead-letter-host.ts'
import { type QueueHostOptions, startQueueHost } from './queue-host.ts'

export interface QueueHostsOptions
  extends Pick<QueueHostOptions, 'app' | 'root' | 'env' | 'openLog' | 'onCommitted' | 'onStarted' | 'onEnded'> {
  table: RoutingTable
  host: Pick<HostConfig, 'functionTimeoutSeconds' | 'concurrency'>
  /** The jobs of a worker that died can be started again. */
  onFreed: () => void
}

export interface QueueHosts {
  queues: string[]
  stop(): Promise<void>
}

const GRACE_MS = 6_000

/** All queue functions with their worker processes, and the function of what SQS gave up. */
export const startQueueHosts = async (options: QueueHostsOptions): Promise<QueueHosts> => {
  const { app, root, env, table, host, onFreed, ...given } = options
  const deadLetters = startDeadLetterHost(app, await mountBatches(root, table.deadLetters))
  const stopping = new AbortController()
  const queues = table.queues.map((entry) =>
    startQueueHost({
      ...given,
      app,
      root,
      env,
      entry,
      timeoutMs: Math.min(entry.timeoutSeconds, host.functionTimeoutSeconds ?? entry.timeoutSeconds) * 1_000,
      concurrency: host.concurrency,
      onEnded: (worker, death) => {
        given.onEnded(worker, death)
        if (death) void free(app, worker, death, stopping.signal).then(onFreed)
      },
    }),
  )
  return {
    queues: table.queues.map(({ queue }) => queue),
    stop: async () => {
      stopping.abort()
      await Promise.all([...queues.map((queue) => queue.stop(GRACE_MS)), deadLetters.stop()])
    },
  }
}

/** The jobs of a worker that died go on as soon as another takes them, not when their leases run out. */
const free = async (app: App, { name, instance }: Worker, death: Death, stopping: AbortSignal): Promise<void> => {
  if (!instance) return
  const how = `${name} ended with ${howEnded(death)}`
  await untilDone(() => endLeasesOf(app, [instance], how), {
    log: app.log,
    failed: 'leases of a dead worker could not be ended',
    signal: stopping,
  })
}
