import { encodeModel, type OnnxGraph, type OnnxModel, type OnnxTensor } from '../../functions/jobs/model/onnx.ts'

// Models of a few bytes, some of which would take everything if they were let.

const FLOAT = 1
const INT64 = 7
const BOOL = 9

/** Of a size, a name for any size, or neither. */
type Dimension = number | string | null

const typed = (name: string, element: number, shape: Dimension[]) => ({
  name,
  type: { tensor: { element, shape: { dims: shape.map(dimension) } } },
})

const dimension = (it: Dimension) => {
  if (it === null) return {}
  return typeof it === 'string' ? { parameter: it } : { value: it }
}

const whole = (name: string, values: bigint[], dims = [values.length]): OnnxTensor => ({
  name,
  dims,
  dataType: INT64,
  rawData: new Uint8Array(BigInt64Array.from(values).buffer),
})

const NUMBER = { inputs: [typed('x', FLOAT, ['N', 1])], outputs: [typed('y', FLOAT, ['N', 1])] }

/** From `x`, one number a row, to `y`, unless other inputs and outputs are given. */
const modelOf = (graph: OnnxGraph, rest: OnnxModel = {}): Buffer => {
  const model = {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    graph: { name: 'g', ...NUMBER, ...graph },
    ...rest,
  }
  return Buffer.from(encodeModel(model))
}

export const identity = (rest?: OnnxModel): Buffer =>
  modelOf({ nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }] }, rest)

/** Gives each row of numbers as it came, in a shape of its own choice. */
export const ofShape = (shape: Dimension[], element = FLOAT): Buffer =>
  modelOf({
    inputs: [typed('x', element, shape)],
    outputs: [typed('y', element, shape)],
    nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
  })

/** Two inputs, a column each: what converters make of a table whose columns have types of their own. */
export const ofColumns = (): Buffer =>
  modelOf({
    inputs: [typed('height', FLOAT, ['N', 1]), typed('colour', 8, ['N', 1])],
    outputs: [typed('y', FLOAT, ['N', 1]), typed('seen', 8, ['N', 1])],
    nodes: [
      { operator: 'Identity', inputs: ['height'], outputs: ['y'] },
      { operator: 'Identity', inputs: ['colour'], outputs: ['seen'] },
    ],
  })

export const withWeightsElsewhere = (): Buffer =>
  modelOf({
    initializers: [
      {
        name: 'w',
        dims: [1, 1],
        dataType: FLOAT,
        dataLocation: 1,
        externalData: [{ key: 'location', value: '../../etc/passwd' }],
      },
    ],
    nodes: [{ operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
  })

/** Makes a tensor of this many numbers from two. */
export const ofNumbers = (side: bigint): Buffer =>
  modelOf({
    initializers: [whole('sides', [side, side])],
    nodes: [
      { operator: 'ConstantOfShape', inputs: ['sides'], outputs: ['large'] },
      { operator: 'ReduceSum', inputs: ['large'], outputs: ['sum'] },
      { operator: 'Add', inputs: ['x', 'sum'], outputs: ['y'] },
    ],
  })

/** Gives this many numbers for each row of one. */
export const ofWidth = (width: bigint): Buffer =>
  modelOf({
    outputs: [typed('y', FLOAT, ['N', 'width'])],
    initializers: [whole('shape', [1n, width])],
    nodes: [{ operator: 'Expand', inputs: ['x', 'shape'], outputs: ['y'] }],
  })

export const withWeightsThatLie = (): Buffer =>
  modelOf({
    initializers: [{ name: 'w', dims: [1, 1_000_000_000], dataType: FLOAT, rawData: new Uint8Array(16) }],
    nodes: [{ operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
  })

const BODY: OnnxGraph = {
  name: 'body',
  inputs: [typed('i', INT64, []), typed('going', BOOL, []), typed('v', FLOAT, ['N', 1])],
  outputs: [typed('on', BOOL, []), typed('w', FLOAT, ['N', 1])],
  nodes: [
    { operator: 'Identity', inputs: ['going'], outputs: ['on'] },
    { operator: 'Abs', inputs: ['v'], outputs: ['w'] },
  ],
}

const GRAPH = 5

/** Loops 2⁶² times. */
export const endless = (): Buffer =>
  modelOf({
    initializers: [
      whole('times', [2n ** 62n], []),
      { name: 'yes', dims: [], dataType: BOOL, rawData: Uint8Array.of(1) },
    ],
    nodes: [
      {
        operator: 'Loop',
        inputs: ['times', 'yes', 'x'],
        outputs: ['y'],
        attributes: [{ name: 'body', type: GRAPH, graph: BODY }],
      },
    ],
  })

export const ofOperations = (count: number): Buffer =>
  modelOf({
    nodes: Array.from({ length: count }, (_, index) => ({
      operator: 'Abs',
      inputs: [index === 0 ? 'x' : `t${index}`],
      outputs: [index === count - 1 ? 'y' : `t${index + 1}`],
    })),
  })

/** A graph in an attribute of an operation of a graph in …; by hand, since an encoder goes down with it. */
export const ofDepth = (depth: number): Buffer => {
  let graph: Buffer = Buffer.alloc(0)
  for (let level = 0; level < depth; level++) graph = field(1, field(5, field(6, graph)))
  return field(7, graph)
}

const field = (number: number, bytes: Buffer): Buffer => {
  const length: number[] = []
  for (let left = bytes.length; ; left >>>= 7) {
    if (left < 128) {
      length.push(left)
      break
    }
    length.push((left & 127) | 128)
  }
  return Buffer.concat([Buffer.of((number << 3) | 2, ...length), bytes])
}
