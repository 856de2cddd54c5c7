import { encodeModel, type OnnxTensor } from '../../functions/jobs/model/onnx.ts'
import type { Network } from './network.ts'

const FLOAT = 1

/** What `model.run` must know about a model that ONNX has no field for. */
export interface About {
  name: string
  /** Of one sample: `[4]` for a line of a table, `[1, 8, 8]` for a grey picture. */
  shape: number[]
  classes: string[]
  columns?: string[]
}

/** A network as an ONNX model: Flatten, Gemm, Relu, Gemm, Softmax. */
export const toOnnx = (network: Network, { name, shape, classes, columns }: About): Uint8Array => {
  const { features, hidden } = network
  const about = { classes, ...(columns && { columns }) }
  return encodeModel({
    irVersion: 8,
    producerName: 'stint',
    opsets: [{ domain: '', version: 17 }],
    metadata: Object.entries(about).map(([key, value]) => ({ key, value: JSON.stringify(value) })),
    graph: {
      name,
      inputs: [value('input', [...shape])],
      outputs: [value('probabilities', [classes.length])],
      initializers: [
        tensor('weights1', [features, hidden], network.weights1),
        tensor('bias1', [hidden], network.bias1),
        tensor('weights2', [hidden, classes.length], network.weights2),
        tensor('bias2', [classes.length], network.bias2),
      ],
      nodes: [
        { operator: 'Flatten', inputs: ['input'], outputs: ['features'] },
        { operator: 'Gemm', inputs: ['features', 'weights1', 'bias1'], outputs: ['sums'] },
        { operator: 'Relu', inputs: ['sums'], outputs: ['inner'] },
        { operator: 'Gemm', inputs: ['inner', 'weights2', 'bias2'], outputs: ['scores'] },
        { operator: 'Softmax', inputs: ['scores'], outputs: ['probabilities'] },
      ],
    },
  })
}

/** For any number of samples. */
const value = (name: string, shape: number[]) => ({
  name,
  type: {
    tensor: { element: FLOAT, shape: { dims: [{ parameter: 'N' }, ...shape.map((it) => ({ value: it }))] } },
  },
})

const tensor = (name: string, dims: number[], values: Float64Array): OnnxTensor => ({
  name,
  dims,
  dataType: FLOAT,
  rawData: new Uint8Array(Float32Array.from(values).buffer),
})
