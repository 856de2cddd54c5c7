import { z } from 'zod'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_NODES } from './limits.ts'
import { decodeModel, type OnnxGraph, type OnnxModel, type OnnxTensor } from './onnx.ts'

/** ONNX's number for weights that are in another file. */
const EXTERNAL = 1

const names = z.array(z.string().max(200)).min(1).max(1_000)
const threeNumbers = z.array(z.number()).min(1).max(3)

/** What a model's metadata says about it, as JSON under these keys. Invalid entries are left out. */
export interface About {
  /** The names of the table columns that it takes, in their order. */
  columns?: string[] | undefined
  /** The names of the classes that its scores are for, in their order. */
  classes?: string[] | undefined
  /** Subtracted from each channel of a picture, 0 to 1. */
  mean?: number[] | undefined
  /** Each channel is then divided by this. */
  std?: number[] | undefined
}

/**
 * Checks a model before it is loaded.
 * @throws {PermanentError} MODEL_UNREADABLE, MODEL_UNSUPPORTED, MODEL_TOO_LARGE
 */
export const inspectModel = (bytes: Uint8Array): About => {
  const model = decode(bytes)
  let count = 0
  for (const message of messagesIn(model)) {
    const { name, nodes = [], dataLocation, externalData = [] } = message as OnnxGraph & OnnxTensor
    count += nodes.length
    if (dataLocation === EXTERNAL || externalData.length > 0)
      throw new PermanentError(
        'MODEL_UNSUPPORTED',
        `The weights ${name?.slice(0, 200) ?? ''} of the model lie in another file. Save it as one file.`,
      )
  }
  if (count > MAX_NODES)
    throw new PermanentError('MODEL_TOO_LARGE', `The model has ${count} operations, of at most ${MAX_NODES}.`)
  return aboutOf(model)
}

const decode = (bytes: Uint8Array): OnnxModel => {
  try {
    const model = decodeModel(bytes)
    if ((model.graph?.nodes?.length ?? 0) > 0) return model
  } catch (error) {
    throw new PermanentError('MODEL_UNREADABLE', 'The file is no ONNX model, or is damaged.', { cause: error })
  }
  throw new PermanentError('MODEL_UNREADABLE', 'The file is no ONNX model: it has no operations.')
}

/** The model and all that is in it: graphs, also those in branches and loops, their operations and weights. */
function* messagesIn(message: object): Generator<object> {
  yield message
  for (const field of Object.values(message).flat())
    if (typeof field === 'object' && !(field instanceof Uint8Array)) yield* messagesIn(field)
}

const aboutOf = ({ metadata = [] }: OnnxModel): About => {
  const of = <T>(key: string, schema: z.ZodType<T>): T | undefined => {
    const text = metadata.find((it) => it.key === key)?.value
    if (text === undefined) return undefined
    try {
      return schema.safeParse(JSON.parse(text)).data
    } catch {
      // Other programs may use the same key for something that is no JSON.
      return undefined
    }
  }
  return {
    columns: of('columns', names),
    classes: of('classes', names),
    mean: of('mean', threeNumbers),
    std: of('std', threeNumbers),
  }
}
