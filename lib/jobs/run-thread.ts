import { fileURLToPath } from 'node:url'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Outcome } from '../../db/queries/outcomes.ts'
import type { Given } from './context.ts'
import { PermanentError } from './define.ts'
import type { SaveNow } from './keeper.ts'
import { isSaved } from './run-shared.ts'
import type { Stint } from './stint.ts'
import {
  type FromThread,
  monotonicMs,
  SHARED,
  type ThreadEnding,
  type ThreadTask,
  type ToThread,
} from './thread-protocol.ts'
import { deserializeError, serializeError } from './thrown.ts'

/** How often the remaining time is compared with the margin while a thread computes. */
const CHECK_MS = 25

/** The threads of one process, made when the first job needs one. */
export interface Threads {
  /** Runs a stint in a thread, as {@link runShared} does on the event loop. One that is fenced off is ended at once. */
  run(stint: Stint, given: Given, saveNow: SaveNow): Promise<Outcome | undefined>
}

/** @param entry the module that a thread runs: a file that calls `serveJobs` */
export const createThreads = (entry: URL): Threads => {
  let made: Piscina<ThreadTask, ThreadEnding> | undefined
  const pool = () => {
    made ??= new Piscina({
      filename: fileURLToPath(entry),
      minThreads: 0,
      idleTimeout: 30_000,
      concurrentTasksPerWorker: 1,
    })
    return made
  }

  return {
    run: async (stint, given, saveNow) => {
      const line = openLine(stint, given, saveNow)
      const { id, projectId, attempt, stint: number } = stint.job
      const task: ThreadTask = {
        kind: stint.kind.kind,
        job: { id, projectId, attempt, stint: number },
        input: given.input,
        checkpoint: given.checkpoint,
        parents: given.parents,
        shared: line.shared,
        port: line.port,
      }
      try {
        const end = await pool()
          .run(task, { transferList: [task.port], signal: stint.taken.signal })
          .catch(refuseTooDeep)
          .finally(line.takeRest)
        if (stint.fenced) return undefined
        line.throwFailure()
        return conclude(stint, end)
      } finally {
        line.close()
      }
    },
  }
}

/** What a job's process does for it while it runs in a thread: it hears its messages, and tells it when to stop. */
const openLine = (stint: Stint, { log, submit }: Given, saveNow: SaveNow) => {
  const shared = new SharedArrayBuffer(8)
  const cells = new Int32Array(shared)
  const { port1, port2 } = new MessageChannel()

  let failed: { error: unknown } | undefined
  const stop = (): void => void Atomics.store(cells, SHARED.STOP, 1)
  /** Notes an error that a job on the event loop would get thrown at once, and stops the thread. */
  const fail = (error: unknown): void => {
    failed ??= { error }
    stop()
  }

  const tell = (message: ToThread): void => port1.postMessage(message)
  const take = (message: FromThread): void => {
    try {
      if (message.type === 'began') stint.begin(monotonicMs() - message.atMs)
      else if (message.type === 'log') log[message.level](message.message, message.data)
      else if (message.type === 'submit') void submitFor(message)
      else stint.pass(message.point, Atomics.load(cells, SHARED.LONGEST_GAP))
    } catch (error) {
      fail(error)
    }
  }
  const submitFor = ({ nth, key, job }: Extract<FromThread, { type: 'submit' }>): Promise<void> =>
    submit(key, job).then(
      (jobId) => tell({ type: 'submitted', nth, jobId }),
      (error) => tell({ type: 'refused', nth, error: serializeError(error) }),
    )
  const saveDurable = async (): Promise<void> => {
    const isKept = await isSaved(saveNow(stint)).catch(fail)
    if (!isKept || stint.mustStop()) stop()
    // It waits for this, and then looks whether it is to stop.
    tell({ type: 'saved' })
  }
  port1.on('message', (message: FromThread) => {
    take(message)
    if (message.type === 'point' && message.durable) void saveDurable()
  })

  const look = setInterval(() => {
    if (stint.stopRequested || (stint.passed && stint.mustStop())) stop()
  }, CHECK_MS)
  const { signal } = stint.abort
  const abort = (): void => tell({ type: 'abort' })
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)

  return {
    shared,
    /** The thread's end of it. */
    port: port2,
    /** The result comes over a port of its own, and may arrive before messages that were sent earlier. */
    takeRest: (): void => {
      for (let rest = receiveMessageOnPort(port1); rest; rest = receiveMessageOnPort(port1)) take(rest.message)
    },
    throwFailure: (): void => {
      if (failed) throw failed.error
    },
    close: (): void => {
      clearInterval(look)
      signal.removeEventListener('abort', abort)
      port1.close()
    },
  }
}

/** What the job throws comes as its ending. A RangeError is from copying its values, which recurses over them. */
const refuseTooDeep = (error: unknown): never => {
  if (!(error instanceof RangeError)) throw error
  throw new PermanentError('VALUE_TOO_DEEP', 'what the job gave is nested too deep to leave its thread', {
    cause: error,
  })
}

const conclude = (stint: Stint, end: ThreadEnding): Outcome => {
  if (end.ending === 'returned') return stint.returned(end.result)
  if (end.point) stint.pass(end.point, 0)
  if (end.ending === 'yielded') return stint.yielded()
  throw deserializeError(end.error)
}
