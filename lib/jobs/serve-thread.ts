import { type JobContext, type JobKind, type JobLog, PermanentError, type SafePoint } from './define.ts'
import { toLogJson, toLogText } from './logged.ts'
import { toSafePoint } from './safe-point.ts'
import {
  type FromThread,
  monotonicMs,
  SHARED,
  type ThreadEnding,
  type ThreadTask,
  type ToThread,
} from './thread-protocol.ts'
import { deserializeError, isAbortOf, serializeError, toError } from './thrown.ts'
import { type Owner, ownUnawaited, unawaitedError } from './unawaited.ts'

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
    const abort = new AbortController()
    const owner: Owner = {
      // It ends the thread, and with it the attempt.
      tell: (reason) => {
        if (!isAbortOf(abort.signal, toError(reason))) throw unawaitedError(reason)
      },
    }
    try {
      return copyable(await ownUnawaited(owner, () => run(kind, task, abort)))
    } finally {
      // Not the attempt of the job that has the thread by then.
      owner.tell = (reason) => process.emitWarning(unawaitedError(reason))
      task.port.close()
    }
  }

const run = async (kind: JobKind, task: ThreadTask, abort: AbortController): Promise<ThreadEnding> => {
  const cells = new Int32Array(task.shared)
  const tell = (message: FromThread): void => task.port.postMessage(message)
  const { submit, answered } = threadSubmit(tell)
  let saved = Promise.withResolvers<void>()
  task.port.on('message', (message: ToThread) => {
    if (message.type === 'saved') saved.resolve()
    else if (message.type === 'abort') abort.abort()
    else answered(message)
  })
  const context: JobContext<unknown, unknown> = {
    job: task.job,
    input: task.input,
    checkpoint: task.checkpoint,
    parents: task.parents,
    signal: abort.signal,
    log: threadLog(tell),
    submit,
  }
  tell({ type: 'began', atMs: monotonicMs() })
  let last: SafePoint<unknown> | undefined
  let lastPointMs = performance.now()
  let toldMs = Number.NEGATIVE_INFINITY
  let points: ReturnType<JobKind['run']> | undefined
  try {
    points = kind.run(context as Parameters<JobKind['run']>[0])
    for (;;) {
      const step = await points.next()
      if (step.done) return { ending: 'returned', result: step.value }
      const point = toSafePoint(kind, step.value)
      last = { ...last, ...point }

      const now = performance.now()
      Atomics.store(
        cells,
        SHARED.LONGEST_GAP,
        Math.max(Atomics.load(cells, SHARED.LONGEST_GAP), Math.ceil(now - lastPointMs)),
      )
      lastPointMs = now

      if (point.durable) {
        saved = Promise.withResolvers()
        tell({ type: 'point', point: last, durable: true })
        await saved.promise
      } else if (now - toldMs >= TELL_MS) {
        tell({ type: 'point', point: last, durable: false })
        toldMs = now
      }
      if (Atomics.load(cells, SHARED.STOP) === 1) {
        abort.abort()
        return { ending: 'yielded', point: last }
      }
    }
  } catch (error) {
    return { ending: 'threw', error: serializeError(error), point: last }
  } finally {
    // As on the event loop: its own `finally` blocks run, and nobody waits for them.
    points?.return(undefined).catch(() => {})
  }
}

/** An ending with something that can't leave the thread, a function for example, becomes an error: Piscina's has no message. */
const copyable = (ending: ThreadEnding): ThreadEnding => {
  try {
    structuredClone(ending)
    return ending
  } catch (cause) {
    // Nested too deep: its class is what its process goes by.
    if (cause instanceof RangeError) throw cause
    const [code, what] =
      ending.ending === 'returned' ? ['RESULT_INVALID', 'result'] : ['SAFE_POINT_INVALID', 'safe point']
    const error = new PermanentError(code, `the ${what} can't leave its thread: ${serializeError(cause).message}`, {
      cause,
    })
    return { ending: 'threw', error: serializeError(error), point: undefined }
  }
}

const threadLog = (tell: (message: FromThread) => void): JobLog => {
  const write = (level: keyof JobLog) => (logged: string, data?: Record<string, unknown>) => {
    const message = toLogText(logged)
    try {
      tell({ type: 'log', level, message, data })
    } catch {
      // A value with a function in it, or nested too deep, can't be copied. It would be stored as JSON anyway.
      tell({ type: 'log', level, message, data: JSON.parse(toLogJson(data)) })
    }
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** The job's `submit`, which asks its process to submit, and the function that takes the answers. */
const threadSubmit = (tell: (message: FromThread) => void) => {
  const waiting = new Map<number, PromiseWithResolvers<string>>()
  let last = 0
  const submit: JobContext<unknown, unknown>['submit'] = (key, job) => {
    const answer = Promise.withResolvers<string>()
    // If nobody awaits it, a rejection would end the thread; the process has logged it.
    answer.promise.catch(() => {})
    const nth = ++last
    waiting.set(nth, answer)
    try {
      tell({ type: 'submit', nth, key, job })
    } catch (cause) {
      // A value that can't be copied isn't JSON either.
      const message = `submit(${JSON.stringify(key)}): it is not JSON: ${serializeError(cause).message}`
      answer.reject(new PermanentError('VALIDATION_FAILED', message, { cause }))
    }
    return answer.promise
  }
  const answered = (message: Exclude<ToThread, { type: 'saved' | 'abort' }>): void => {
    const answer = waiting.get(message.nth)
    waiting.delete(message.nth)
    if (message.type === 'submitted') answer?.resolve(message.jobId)
    else answer?.reject(deserializeError(message.error))
  }
  return { submit, answered }
}
