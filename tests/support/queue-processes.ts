import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { handler as sweep } from '../../functions/schedule/sweep.ts'
import { startQueueHost } from '../../infra/local/queues/queue-host.ts'
import { startPeriodicTimer } from '../../infra/local/shared/periodic-timer.ts'
import type { Death } from '../../infra/local/workers/worker-pool.ts'
import { endLeasesOf } from '../../lib/jobs/sweep.ts'
import { pass } from '../../lib/schedule/every.ts'
import type { World } from './world.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface QueueProcessesOptions {
  /** With the worker function, relative to the repository. */
  handlerFile: string
  functionSeconds: number
  /** Processes at once. */
  concurrency: number
  /** Variables of the processes beside the world's. */
  env?: Record<string, string>
}

/**
 * Real worker processes for a world's queue `default`, as the host runs them: polled for, replaced when they die, their
 * leases ended then, and swept each second. Ends with the test.
 */
export const startQueueProcesses = (world: World, options: QueueProcessesOptions) => {
  const { app } = world
  const logs = mkdtempSync(join(tmpdir(), 'stint-workers-'))
  const pids: number[] = []
  const deaths: Pick<Death, 'code' | 'signal'>[] = []
  const sweeping = startPeriodicTimer(sweep.periodic.everySeconds, () => pass(app, sweep.periodic))
  const host = startQueueHost({
    app,
    entry: {
      queue: 'default',
      functionName: 'worker-default',
      handlerFile: options.handlerFile,
      exportName: 'handler',
      timeoutSeconds: options.functionSeconds,
      batchSize: 10,
      batchingWindowSeconds: 0,
      maximumConcurrency: options.concurrency,
    },
    root: ROOT,
    env: { ...process.env, ...world.environment, LOG_LEVEL: 'info', ...options.env },
    timeoutMs: options.functionSeconds * 1_000,
    concurrency: options.concurrency,
    openLog: (name) => openSync(join(logs, `${name}.log`), 'a'),
    onCommitted: () => {},
    onStarted: ({ pid }) => void pids.push(pid),
    onEnded: ({ instance }, death) => {
      if (!death) return
      deaths.push({ code: death.code, signal: death.signal })
      if (instance) void endLeasesOf(app, [instance]).then(sweeping.nudge)
    },
  })
  onTestFinished(async () => {
    await host.stop(0)
    await sweeping.stop()
    rmSync(logs, { recursive: true })
  })
  return {
    /** Of every process so far, the latest last. */
    pids,
    /** How processes ended that nobody had asked to. */
    deaths,
    log: (name: string) => readFileSync(join(logs, `${name}.log`), 'utf8'),
  }
}
