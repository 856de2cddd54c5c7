import * as ort from 'onnxruntime-web'
import { storable } from '../../../lib/core/storable.ts'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_MEMORY_BYTES, MAX_VALUES } from './limits.ts'

/** An input of a model, for one row. */
export interface ModelInput {
  name: string
  type: ort.Tensor.Type
  /** The dimensions without the first, which counts rows. `null` stands for any size. */
  shape: (number | null)[]
  /** Whether it takes only one row at a time. */
  single: boolean
}

/** A value that goes into a model or comes out of it. */
export type Value = number | string

/** The values of one row, by output. */
export interface Outputs {
  names: string[]
  /** By row, by output. */
  rows: Value[][][]
}

const PAGE_BYTES = 65_536

/**
 * Limits the memory that WebAssembly gets in this thread. The runtime asks for as much as there can be, and
 * grows as models need it; with less it fails to grow, which is an error of the model and not the end of the process.
 */
const capMemory = (): void => {
  // Node's types describe WebAssembly only in part.
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: MemoryClass } }
  const { Memory } = WebAssembly
  const maximum = MAX_MEMORY_BYTES / PAGE_BYTES
  WebAssembly.Memory = class extends Memory {
    constructor(given: MemoryPages) {
      super({ ...given, maximum: Math.min(given.maximum, maximum) })
    }
  }
}

interface MemoryPages {
  initial: number
  maximum: number
  shared: boolean
}
type MemoryClass = new (given: MemoryPages) => object

/** A model that is ready to run. Made once in a thread of its own: its memory is only freed when the thread ends. */
export class Session {
  readonly #session: ort.InferenceSession
  readonly inputs: ModelInput[]
  readonly #outputs: string[]

  /** @throws {PermanentError} MODEL_UNREADABLE, MODEL_UNSUPPORTED, MODEL_OUT_OF_MEMORY */
  static async open(bytes: Uint8Array): Promise<Session> {
    capMemory()
    ort.env.wasm.numThreads = 1
    ort.env.logLevel = 'fatal'
    const session = await attempt('MODEL_UNREADABLE', () =>
      ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], logSeverityLevel: 4 }),
    )
    return new Session(session)
  }

  private constructor(session: ort.InferenceSession) {
    this.#session = session
    this.inputs = session.inputMetadata.map(inputOf)
    // scikit-learn gives probabilities as a list of maps, beside the labels; what is no tensor is left out.
    this.#outputs = session.outputMetadata.filter(({ isTensor }) => isTensor).map(({ name }) => name)
    if (this.#outputs.length === 0)
      throw unsupported('Its outputs are no tensors. From scikit-learn, convert it with zipmap=False.')
  }

  /**
   * Runs the model on `count` rows; `values` has for each input those of all rows, one after the other.
   * @throws {PermanentError} MODEL_FAILED, MODEL_OUT_OF_MEMORY, MODEL_UNSUPPORTED
   */
  async run(values: Value[][], count: number): Promise<Outputs> {
    const single = this.inputs.some((it) => it.single)
    const rows: Value[][][] = []
    for (let row = 0; row < count; row += single ? 1 : count)
      rows.push(...(await this.#runAtOnce(values, row, single ? 1 : count, count)))
    return { names: this.#outputs, rows }
  }

  async #runAtOnce(values: Value[][], first: number, count: number, all: number): Promise<Value[][][]> {
    const feeds = Object.fromEntries(
      this.inputs.map((input, index) => {
        const of = values[index] ?? []
        const size = of.length / all
        return [input.name, tensorOf(input, of.slice(first * size, (first + count) * size), count)]
      }),
    )
    const results = await attempt('MODEL_FAILED', () => this.#session.run(feeds, this.#outputs))
    const tensors = this.#outputs.map((name) => rowsOf(name, results[name], count))
    const width = tensors.reduce((sum, { size }) => sum + size / count, 0)
    // Before any value is read: a hundred million JavaScript values would end the process, not only this thread.
    if (width > MAX_VALUES) throw unsupported(`It gives ${width} values for a row, of at most ${MAX_VALUES}.`)
    const outputs = tensors.map((tensor) => valuesOf(tensor, count))
    return Array.from({ length: count }, (_, row) => outputs.map((of) => of[row] ?? []))
  }
}

const inputOf = (it: ort.InferenceSession.ValueMetadata): ModelInput => {
  if (!it.isTensor) throw unsupported(`Its input ${it.name} is no tensor.`)
  const [rows, ...shape] = it.shape.map(sizeOf)
  if (rows === undefined || (rows !== null && rows > 1))
    throw unsupported(
      `Its input ${it.name} is [${it.shape.join(', ')}]; the first dimension must be any number, for rows, or 1.`,
    )
  return { name: it.name, type: it.type, shape, single: rows === 1 }
}

/** A dimension with a name may be of any size, and so may one without either, which the runtime tells as −1 in 32 bits. */
const sizeOf = (size: number | string): number | null =>
  typeof size === 'number' && size > 0 && size < 2 ** 31 ? size : null

const NUMBERS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
}

const tensorOf = ({ name, type, shape }: ModelInput, values: Value[], count: number): ort.Tensor => {
  const known = shape.reduce<number>((product, it) => product * (it ?? 1), 1)
  const dims = [count, ...shape.map((it) => it ?? values.length / count / known)]
  if (type === 'string') return new ort.Tensor('string', values.map(String), dims)
  if (type === 'int64' || type === 'uint64') {
    const whole = values.map((it) => BigInt(Math.trunc(Number(it))))
    return new ort.Tensor(type, type === 'int64' ? BigInt64Array.from(whole) : BigUint64Array.from(whole), dims)
  }
  if (type === 'bool')
    return new ort.Tensor(
      'bool',
      Uint8Array.from(values, (it) => (Number(it) === 0 ? 0 : 1)),
      dims,
    )
  const Numbers = NUMBERS[type as keyof typeof NUMBERS]
  if (!Numbers) throw unsupported(`Its input ${name} is of the type ${type}.`)
  return new ort.Tensor(type as 'float32', Numbers.from(values as number[]) as Float32Array, dims)
}

/** Checks that an output has as many rows as went in. */
const rowsOf = (name: string, tensor: ort.Tensor | undefined, count: number): ort.Tensor => {
  if (tensor?.dims[0] === count) return tensor
  throw unsupported(
    `Its output ${name} is [${tensor?.dims.join(', ')}] for ${count} rows; the first dimension must count them.`,
  )
}

/** The values of an output for each row. */
const valuesOf = (tensor: ort.Tensor, count: number): Value[][] => {
  const values = Array.from(tensor.data as ArrayLike<number | bigint | string>, (it): Value => {
    if (typeof it === 'number') return tensor.type === 'float32' ? Number(it.toPrecision(7)) : it
    if (typeof it === 'string') return storable(it.slice(0, 200))
    return Number.isSafeInteger(Number(it)) ? Number(it) : String(it)
  })
  const size = values.length / count
  return Array.from({ length: count }, (_, row) => values.slice(row * size, (row + 1) * size))
}

/** Names in models can be as long as models. */
const unsupported = (why: string): PermanentError =>
  new PermanentError('MODEL_UNSUPPORTED', `The model can’t be run. ${why.slice(0, 500)}`)

/** Does what the runtime may fail at. Its errors have a number and a text; those of WebAssembly only say that it ended. */
const attempt = async <T>(code: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    // The text begins with places in the runtime's sources, which are cut off.
    const whole = error instanceof Error ? error.message : String(error)
    const text = whole.replace(/^.*?ERROR_MESSAGE: /s, '').replace(/^.*\[ONNXRuntimeError\] : \d+ : \w+ : /s, '')
    if (/bad_alloc|alloc|out of memory|OOM|shape is too large/i.test(text)) {
      const most = `${MAX_MEMORY_BYTES / 1024 ** 2} MiB`
      throw new PermanentError('MODEL_OUT_OF_MEMORY', `The model needs more than ${most} of memory.`, { cause: error })
    }
    throw new PermanentError(code, `The model can’t be run: ${text.slice(0, 500)}`, { cause: error })
  }
}
