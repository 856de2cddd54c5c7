import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { type Exit, exitOf, howEnded } from '../components/component.ts'
import type { Environment } from '../host/host-app.ts'
import { forkLogged } from '../shared/fork-logged.ts'
import { ALIVE_MS, type FromWorker, type ToWorker } from './worker-protocol.ts'

export interface WorkerOptions {
  /** worker-default-1 … */
  name: string
  /** Which of its pool it is, from 1, counting those that ended. */
  nth: number
  functionName: string
  /** Absolute. */
  handlerFile: string
  exportName: string
  env: Environment
  /** For what the process prints, which is its log; 1 for the host's own output. */
  openLog: (name: string) => number
  onCommitted: () => void
}

/** A worker process, seen from the host. */
export interface Worker {
  name: string
  pid: number
  /** How leases name it; undefined until it is ready. */
  instance: string | undefined
  /** Resolves when the function is loaded. @throws {WorkerError} when the process ends before */
  ready: Promise<void>
  exited: Promise<Exit>
  /** @throws {WorkerError} when the function throws, or takes longer than `timeoutMs` (then the process is killed) */
  invoke(event: unknown, timeoutMs: number): Promise<unknown>
  /** It runs an invocation and says nothing: its machine stands still, or a job keeps its event loop. */
  isStill(): boolean
  /** Whether it can take another invocation: it wasn't killed, and hasn't ended. */
  isUsable(): boolean
  /** Asks running jobs to stop at their next safe point. */
  askToStop(): void
  /** Lets the idle process go. */
  release(): void
  kill(): void
}

export class WorkerError extends Error {
  override readonly name = 'WorkerError'
}

/** A process that is silent for this long stands still. */
const STILL_MS = 5 * ALIVE_MS

/** How long a function may take to load before it counts as broken. */
const INIT_MS = 60_000

export const startWorker = (options: WorkerOptions): Worker => {
  const { name } = options
  const args = [name, options.functionName, options.handlerFile, options.exportName, String(options.nth)]
  const child = forkLogged(new URL('./worker-process.ts', import.meta.url), args, options.env, options.openLog(name))
  const calls = new Map<string, PromiseWithResolvers<unknown>>()
  let heardMs = performance.now()
  const loaded = Promise.withResolvers<void>()
  loaded.promise.catch(() => {})
  const initTimer = setTimeout(() => child.kill('SIGKILL'), INIT_MS)

  const worker: Worker = {
    name,
    pid: child.pid ?? 0,
    instance: undefined,
    ready: loaded.promise,
    exited: exitOf(child),
    invoke: async (event, timeoutMs) => {
      await loaded.promise
      if (!worker.isUsable()) throw new WorkerError(`${name} has ended`)
      const id = randomUUID()
      const call = Promise.withResolvers<unknown>()
      calls.set(id, call)
      const timer = setTimeout(() => {
        call.reject(new WorkerError(`${name} was killed: its function took longer than ${timeoutMs / 1_000} s`))
        child.kill('SIGKILL')
      }, timeoutMs)
      heardMs = performance.now()
      tell(child, { type: 'invoke', id, event, timeoutMs })
      try {
        return await call.promise
      } finally {
        clearTimeout(timer)
        calls.delete(id)
      }
    },
    isStill: () => calls.size > 0 && performance.now() - heardMs > STILL_MS,
    // A killed process's end may be known before that of its channel.
    isUsable: () => child.connected && !child.killed && child.exitCode === null && child.signalCode === null,
    askToStop: () => tell(child, { type: 'stop' }),
    release: () => {
      if (child.connected) child.disconnect()
    },
    kill: () => void child.kill('SIGKILL'),
  }

  child.on('message', (message: FromWorker | null) => {
    // A job's own code may send anything over the channel; only null has no `type` to ask for.
    if (message === null) return
    heardMs = performance.now()
    if (message.type === 'committed') options.onCommitted()
    if (message.type === 'ready') {
      clearTimeout(initTimer)
      worker.instance = message.instance
      loaded.resolve()
    }
    if (message.type === 'result') calls.get(message.id)?.resolve(message.result)
    if (message.type === 'error') calls.get(message.id)?.reject(new WorkerError(message.message))
  })
  void worker.exited.then((exit) => {
    clearTimeout(initTimer)
    const error = new WorkerError(`${name} ended with ${howEnded(exit)}`, { cause: exit.failure })
    loaded.reject(error)
    for (const call of calls.values()) call.reject(error)
  })
  return worker
}

const tell = (child: ChildProcess, message: ToWorker): void => {
  // One that is just ending can't be told any more; its exit is handled elsewhere.
  if (child.connected) child.send(message, () => {})
}
