import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_SECONDS } from './limits.ts'
import type { FromModel, ModelTask, ToModel } from './protocol.ts'

/** JavaScript's memory. The model's has a limit of its own. */
const MAX_HEAP_MB = 512

type Of<T extends FromModel['type']> = Extract<FromModel, { type: T }>

export interface ModelThread {
  /** The classes that the scores are for, as the model says. */
  classes: string[] | undefined
  /** The next batch of rows, or undefined after the last one. */
  next(): Promise<Of<'batch'> | undefined>
  close(): Promise<void>
}

/**
 * Opens a model in a thread of its own, which ends with `signal`, and when it takes too long or too much memory.
 * @throws {PermanentError} for whatever is wrong with the model or its input, as `next` does
 */
export const openModel = async (
  task: ModelTask,
  { signal, seconds = MAX_SECONDS }: { signal: AbortSignal; seconds?: number },
): Promise<ModelThread> => {
  // None of the process's environment, since a stranger's model could read it; and none of its flags, some of which are
  // refused for a thread.
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  const ended = new AbortController()
  worker.once('exit', () => ended.abort())
  const ask = (message: ToModel) => answerOf(worker, message, { signal, ended: ended.signal, seconds })
  const close = async () => void (await worker.terminate())
  try {
    const opened = await ask({ type: 'open', task })
    const { classes } = opened as Of<'opened'>
    const next = async () => {
      const answer = await ask({ type: 'next' })
      return answer.type === 'batch' ? answer : undefined
    }
    return { classes, next, close }
  } catch (error) {
    await close()
    throw error
  }
}

const answerOf = async (
  worker: Worker,
  message: ToModel,
  { signal, ended, seconds }: { signal: AbortSignal; ended: AbortSignal; seconds: number },
): Promise<FromModel> => {
  const tooLong = AbortSignal.timeout(seconds * 1_000)
  const answered = once(worker, 'message', { signal: AbortSignal.any([signal, ended, tooLong]) })
  worker.postMessage(message)
  const [answer] = (await answered.catch((error: NodeJS.ErrnoException) => {
    signal.throwIfAborted()
    if (tooLong.aborted)
      throw new PermanentError('MODEL_TOO_SLOW', `The model took more than ${seconds} s for ${taskOf(message)}.`)
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
      throw new PermanentError(
        'MODEL_OUT_OF_MEMORY',
        `The model needs more than ${MAX_HEAP_MB} MB for ${taskOf(message)}.`,
      )
    if (ended.aborted) throw new PermanentError('MODEL_FAILED', `The model ended its thread in ${taskOf(message)}.`)
    throw error
  })) as [FromModel]
  if (answer.type !== 'failed') return answer
  throw answer.code ? new PermanentError(answer.code, answer.message) : new Error(answer.message)
}

const taskOf = ({ type }: ToModel): string => (type === 'open' ? 'being loaded' : 'a batch of rows')
