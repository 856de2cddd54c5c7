import { once } from 'node:events'
import { looseJson } from '../core/loose-json.ts'
import type { JobContext, JobKind, JobLog, SafePoint } from './define.ts'
import { type FromThread, monotonicMs, SHARED, type ThreadEnding, type ThreadTask } from './thread-protocol.ts'
import { partsOf } from './thrown.ts'

/** A job may yield thousands of times a second; its process saves one a second. */
const TELL_MS = 200

/**
 * What a job thread does: runs one job's generator, tells its process the safe points, and stops at one when told.
 * @returns the function that the thread pool calls with each task
 */
export const serveJobs =
  (kinds: readonly JobKind[]) =>
  async (task: ThreadTask): Promise<ThreadEnding> => {
    const kind = kinds.find((it) => it.kind === task.kind)
    if (!kind) throw new Error(`the thread does not know the kind ${task.kind}`)
    try {
      return await run(kind, task)
    } finally {
      task.port.close()
    }
  }

const run = async (kind: JobKind, task: ThreadTask): Promise<ThreadEnding> => {
  const cells = new Int32Array(task.shared)
  const abort = new AbortController()
  const tell = (message: FromThread): void => task.port.postMessage(message)
  const context: JobContext<unknown, unknown> = {
    job: task.job,
    input: task.input,
    checkpoint: task.checkpoint,
    parents: task.parents,
    signal: abort.signal,
    log: threadLog(tell),
  }
  tell({ type: 'began', atMs: monotonicMs() })
  let last: SafePoint<unknown> | undefined
  let lastPointMs = performance.now()
  let toldMs = Number.NEGATIVE_INFINITY
  try {
    const points = kind.run(context as Parameters<JobKind['run']>[0])
    for (;;) {
      const step = await points.next()
      if (step.done) return { ending: 'returned', result: step.value }
      last = { ...last, ...step.value }

      const now = performance.now()
      Atomics.store(
        cells,
        SHARED.LONGEST_GAP,
        Math.max(Atomics.load(cells, SHARED.LONGEST_GAP), Math.ceil(now - lastPointMs)),
      )
      lastPointMs = now

      if (step.value.durable) {
        tell({ type: 'point', point: last, durable: true })
        await once(task.port, 'message')
      } else if (now - toldMs >= TELL_MS) {
        tell({ type: 'point', point: last, durable: false })
        toldMs = now
      }
      if (Atomics.load(cells, SHARED.STOP) === 1) {
        abort.abort()
        void points.return(undefined).catch(() => {})
        return { ending: 'yielded', point: last }
      }
    }
  } catch (error) {
    return { ending: 'threw', error: partsOf(error), point: last }
  }
}

const threadLog = (tell: (message: FromThread) => void): JobLog => {
  const write = (level: keyof JobLog) => (message: string, data?: Record<string, unknown>) => {
    try {
      tell({ type: 'log', level, message, data })
    } catch {
      // It holds a function, or is nested too deep to be copied. It is stored as JSON anyway.
      tell({ type: 'log', level, message, data: JSON.parse(looseJson(data) ?? 'null') })
    }
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
