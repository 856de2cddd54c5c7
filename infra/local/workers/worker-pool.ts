import type { Exit } from '../components/component.ts'
import { createBackoff } from '../shared/backoff.ts'
import { createIdleWorkers } from './idle-workers.ts'
import { startWorker, type Worker, WorkerError, type WorkerOptions } from './worker.ts'

export interface WorkerPoolOptions extends Omit<WorkerOptions, 'name' | 'nth'> {
  /** Invocations at once, at most, beside those whose processes stand still. */
  size: number
  /** Together with those, at most: jobs that block their processes must not fill the machine with them. */
  most: number
  /** When all processes are busy for this long, the pool starts one more; 2 000 by default. */
  reserveAfterMs?: number
  /** Milliseconds of a monotonic clock. */
  now?: () => number
  timeoutMs: number
  onStarted: (worker: Worker) => void
  onEnded: (worker: Worker, death: Death | undefined) => void
}

/** How a worker ended that nobody had asked to end. */
export interface Death extends Exit {
  /** Resolves when another worker has taken its place, with the time that took; never, if the pool stops. */
  replaced: Promise<{ name: string; afterMs: number }>
}

/**
 * The processes of one queue function. As on Lambda, they are started on demand, kept warm, and take one invocation at a time.
 * While all are busy, there is one more in reserve, so that the successor of one that dies need not be loaded first, which takes
 * seconds on a busy machine.
 */
export interface WorkerPool {
  /** Starts a process before anybody needs it. Resolves when its function is loaded. */
  warm(): Promise<void>
  /**
   * Calls the function in an idle process, or in the first that is free: a new one is started, but where invocations are
   * short, another has ended its own long before that is loaded. The caller keeps to the pool's size.
   */
  invoke(event: unknown): Promise<unknown>
  /**
   * How many invocations the pool has lost sight of: their processes stand still, for all that can be told until their
   * function's time is over. Others may run in their place.
   */
  countStill(): number
  /** How many invocations may run at once at the moment. */
  atOnce(): number
  /**
   * Ends processes that have been idle for a while, since a burst of jobs is over. One idle process stays: the pool's last, or,
   * while others are busy, the one in reserve, which would otherwise be started again.
   */
  endSurplus(): void
  /** Asks running jobs to stop at their next safe point, and ends the processes; after `graceMs` without being asked. */
  stop(graceMs: number): Promise<void>
}

/** How long a process is idle before {@link WorkerPool.endSurplus} ends it. */
const SURPLUS_AFTER_MS = 300_000

export const createWorkerPool = (options: WorkerPoolOptions): WorkerPool => {
  const workers = new Set<Worker>()
  /** Processes that load the function. */
  const loading = new Set<Worker>()
  /** Invocations that have no process yet. */
  const waiting: PromiseWithResolvers<Worker>[] = []
  /** Processes that the pool has ended itself. */
  const ending = new WeakSet<Worker>()
  const stopping = new AbortController()
  const backoff = createBackoff({ minMs: 200, maxMs: 5_000 })
  const { reserveAfterMs = 2_000, now = () => performance.now() } = options
  const idle = createIdleWorkers(now)
  let starts = 0
  let reserveTimer: NodeJS.Timeout | undefined

  const start = (): Worker => {
    const worker = startWorker({ ...options, name: freeName(options.functionName, workers), nth: ++starts })
    workers.add(worker)
    options.onStarted(worker)
    loading.add(worker)
    worker.ready.then(
      () => {
        loading.delete(worker)
        backoff.reset()
        rest(worker)
      },
      (error) => {
        loading.delete(worker)
        if (waiting.length > loading.size) waiting.shift()?.reject(error)
      },
    )
    void worker.exited.then((exit) => bury(worker, exit))
    return worker
  }

  const countStill = (): number => [...workers].filter((worker) => worker.isStill()).length

  const needsMore = (): boolean => workers.size - countStill() <= options.size

  const rest = (worker: Worker): void => {
    const isLetGo = stopping.signal.aborted
    if (isLetGo) worker.release()
    if (isLetGo || !worker.isUsable()) return
    const next = waiting.shift()
    if (next) next.resolve(worker)
    else idle.add(worker)
  }

  const bury = (worker: Worker, exit: Exit): void => {
    workers.delete(worker)
    idle.remove(worker)
    if (stopping.signal.aborted || ending.has(worker)) {
      options.onEnded(worker, undefined)
      return
    }
    const replaced = Promise.withResolvers<{ name: string; afterMs: number }>()
    // In this order, because the new process may have the name of the old one.
    options.onEnded(worker, { ...exit, replaced: replaced.promise })
    replaced.resolve(replace(worker))
  }

  /** At once, since its doorbells will ring again soon; but with a pause if the function can't even be loaded. */
  const replace = async (worker: Worker): Promise<{ name: string; afterMs: number }> => {
    const died = performance.now()
    if (!worker.instance) await backoff.pause(stopping.signal)
    if (!stopping.signal.aborted && needsMore()) {
      const next = start()
      const isReady = await next.ready.then(
        () => true,
        () => false,
      )
      if (isReady) return { name: next.name, afterMs: performance.now() - died }
    }
    return new Promise(() => {})
  }

  const keepReserve = (): void => {
    if (stopping.signal.aborted) return
    reserveTimer ??= setTimeout(() => {
      reserveTimer = undefined
      if (idle.count === 0 && loading.size === 0 && needsMore()) start()
    }, reserveAfterMs)
  }

  const firstFree = (): Promise<Worker> => {
    const free = Promise.withResolvers<Worker>()
    waiting.push(free)
    if (waiting.length > loading.size) start()
    return free.promise
  }

  const invoke = async (event: unknown): Promise<unknown> => {
    if (stopping.signal.aborted) throw new WorkerError(`${options.functionName} stops`)
    const worker = idle.take() ?? (await firstFree())
    if (idle.count === 0) keepReserve()
    try {
      return await worker.invoke(event, options.timeoutMs)
    } finally {
      rest(worker)
    }
  }

  const endSurplus = (): void => {
    for (let worker = idle.takeSurplus(SURPLUS_AFTER_MS); worker; worker = idle.takeSurplus(SURPLUS_AFTER_MS)) {
      ending.add(worker)
      worker.release()
    }
  }

  return {
    invoke,
    countStill,
    atOnce: () => Math.min(options.most, options.size + countStill()),
    endSurplus,
    warm: () => start().ready,
    stop: async (graceMs) => {
      stopping.abort()
      clearTimeout(reserveTimer)
      for (const worker of workers) {
        if (loading.has(worker) || idle.has(worker)) worker.release()
        else worker.askToStop()
      }
      const timer = setTimeout(() => {
        for (const worker of workers) worker.kill()
      }, graceMs)
      await Promise.all([...workers].map((worker) => worker.exited))
      clearTimeout(timer)
    },
  }
}

const freeName = (functionName: string, workers: ReadonlySet<Worker>): string => {
  const taken = new Set([...workers].map((worker) => worker.name))
  for (let n = 1; ; n++) if (!taken.has(`${functionName}-${n}`)) return `${functionName}-${n}`
}
