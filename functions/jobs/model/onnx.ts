import protobuf from 'protobufjs'

// The parts of onnx.proto (github.com/onnx/onnx, IR version 10) that are read or written here, with their numbers.

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id })

const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'Graph', id: 7 },
        opsets: repeated('Opset', 8),
        metadata: repeated('Pair', 14),
        training: repeated('Training', 20),
        functions: repeated('Function', 25),
      },
    },
    Opset: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Pair: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    Training: { fields: { initialization: { type: 'Graph', id: 1 }, algorithm: { type: 'Graph', id: 2 } } },
    Function: { fields: { nodes: repeated('Node', 7) } },
    Graph: {
      fields: {
        nodes: repeated('Node', 1),
        name: { type: 'string', id: 2 },
        initializers: repeated('Tensor', 5),
        inputs: repeated('Value', 11),
        outputs: repeated('Value', 12),
        sparseInitializers: repeated('SparseTensor', 15),
      },
    },
    Node: {
      fields: {
        inputs: repeated('string', 1),
        outputs: repeated('string', 2),
        name: { type: 'string', id: 3 },
        operator: { type: 'string', id: 4 },
        attributes: repeated('Attribute', 5),
      },
    },
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        i: { type: 'int64', id: 3 },
        tensor: { type: 'Tensor', id: 5 },
        graph: { type: 'Graph', id: 6 },
        tensors: repeated('Tensor', 10),
        graphs: repeated('Graph', 11),
        type: { type: 'int32', id: 20 },
        sparseTensor: { type: 'SparseTensor', id: 22 },
        sparseTensors: repeated('SparseTensor', 23),
      },
    },
    Tensor: {
      fields: {
        dims: repeated('int64', 1),
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
        externalData: repeated('Pair', 13),
        dataLocation: { type: 'int32', id: 14 },
      },
    },
    SparseTensor: { fields: { values: { type: 'Tensor', id: 1 }, indices: { type: 'Tensor', id: 2 } } },
    Value: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensor: { type: 'TensorType', id: 1 } } },
    TensorType: { fields: { element: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Shape: { fields: { dims: repeated('Dimension', 1) } },
    Dimension: { fields: { value: { type: 'int64', id: 1 }, parameter: { type: 'string', id: 2 } } },
  },
})

/** What is made or looked at by name; other messages are only gone through. */
export interface OnnxModel {
  irVersion?: number
  producerName?: string
  graph?: OnnxGraph
  opsets?: { domain?: string; version: number }[]
  metadata?: Pair[]
}
export interface OnnxGraph {
  name?: string
  nodes?: OnnxNode[]
  initializers?: OnnxTensor[]
  inputs?: OnnxValue[]
  outputs?: OnnxValue[]
}
interface OnnxNode {
  operator: string
  inputs?: string[]
  outputs?: string[]
  attributes?: OnnxAttribute[]
}
interface OnnxAttribute {
  name: string
  i?: number
  type?: number
  tensor?: OnnxTensor
  graph?: OnnxGraph
}
export interface OnnxTensor {
  name?: string
  dims?: number[]
  dataType?: number
  rawData?: Uint8Array
  externalData?: Pair[]
  dataLocation?: number
}
interface OnnxValue {
  name: string
  type?: { tensor?: { element: number; shape?: { dims: { value?: number; parameter?: string }[] } } }
}
interface Pair {
  key: string
  value: string
}

const Model = root.lookupType('Model')

/** @throws when the bytes are no such message, or end in the middle of it */
export const decodeModel = (bytes: Uint8Array): OnnxModel =>
  Model.toObject(Model.decode(bytes), { longs: Number }) as OnnxModel

export const encodeModel = (model: OnnxModel): Uint8Array => Model.encode(Model.fromObject(model)).finish()
