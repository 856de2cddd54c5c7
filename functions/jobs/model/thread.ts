import { parentPort } from 'node:worker_threads'
import { inspectModel } from './inspect.ts'
import type { FromModel, ModelTask, ToModel } from './protocol.ts'
import { type ModelInput, type Outputs, Session } from './session.ts'
import { batchesOf, type Rows } from './table.ts'

// A model and its input, in a thread that can be ended whatever the model does.

const open = async ({ model, isPicture, input, first, ...options }: ModelTask) => {
  const { columns, ...about } = inspectModel(model)
  const session = await Session.open(model)
  const { mean = about.mean, std = about.std } = options
  const batches = isPicture
    ? onePicture(input, session.inputs, { mean, std })
    : batchesOf(input, session.inputs, { ...options, known: columns }, first)
  return { classes: about.classes, batches: predictions(session, batches) }
}

async function* onePicture(input: Uint8Array, inputs: ModelInput[], scale: Pick<ModelTask, 'mean' | 'std'>) {
  // Loaded only if the input is a picture.
  const { pixelsOf } = await import('./picture.ts')
  yield { values: [await pixelsOf(Buffer.from(input), inputs, scale)], count: 1, read: 1 }
}

async function* predictions(
  session: Session,
  batches: AsyncIterable<Rows>,
): AsyncGenerator<Outputs & { read: number }> {
  for await (const { values, count, read } of batches) yield { ...(await session.run(values, count)), read }
}

let batches: AsyncGenerator<Outputs & { read: number }> | undefined

const answer = async (message: ToModel): Promise<FromModel> => {
  try {
    if (message.type === 'open') {
      const opened = await open(message.task)
      batches = opened.batches
      return { type: 'opened', classes: opened.classes }
    }
    const step = await batches?.next()
    return !step || step.done ? { type: 'done' } : { type: 'batch', ...step.value }
  } catch (error) {
    if (!(error instanceof Error)) return { type: 'failed', message: String(error) }
    return { type: 'failed', message: error.message, ...('code' in error && { code: String(error.code) }) }
  }
}

parentPort?.on('message', async (message: ToModel) => parentPort?.postMessage(await answer(message)))
