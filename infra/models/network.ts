import { mulberry32, shuffled } from '../local/chaos/random.ts'
import type { Sample } from './samples.ts'

/** A classifier: features, scaled → a layer of ReLUs → one score for each class. Matrices are row by row, input first. */
export interface Network {
  features: number
  hidden: number
  classes: number
  weights1: Float64Array
  bias1: Float64Array
  weights2: Float64Array
  bias2: Float64Array
}

export interface Training {
  hidden: number
  classes: number
  epochs: number
  batch: number
  rate: number
  /** Weight decay per step, as a share of the rate: it limits overfitting. */
  decay: number
  seed: number
}

/** Trains by Adam on the cross-entropy. The same samples and numbers give the same network. */
export const train = (samples: Sample[], training: Training): Network => {
  const { hidden, classes, epochs, batch, rate, decay, seed } = training
  const random = mulberry32(seed)
  const { mean, deviation } = scaleOf(samples)
  const scaled = samples.map((it) => ({ ...it, features: scale(it.features, mean, deviation) }))
  const features = mean.length
  const initial = (count: number, inputs: number) =>
    Float64Array.from({ length: count }, () => (2 * random() - 1) * Math.sqrt(6 / inputs))
  const network: Network = {
    features,
    hidden,
    classes,
    weights1: initial(features * hidden, features),
    bias1: new Float64Array(hidden),
    weights2: initial(hidden * classes, hidden),
    bias2: new Float64Array(classes),
  }
  const parameters = [network.weights1, network.bias1, network.weights2, network.bias2]
  const adam = parameters.map(({ length }) => ({ first: new Float64Array(length), second: new Float64Array(length) }))
  for (let epoch = 0, step = 0; epoch < epochs; epoch++) {
    const order = shuffled(random, scaled)
    for (let start = 0; start < order.length; start += batch) {
      step++
      const gradients = gradientsOf(network, order.slice(start, start + batch))
      const correction = Math.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step)
      for (const [index, parameter] of parameters.entries()) {
        const [gradient, moments] = [gradients[index], adam[index]]
        if (!gradient || !moments) continue
        for (let i = 0; i < parameter.length; i++) {
          const g = gradient[i] ?? 0
          const m = 0.9 * (moments.first[i] ?? 0) + 0.1 * g
          const v = 0.999 * (moments.second[i] ?? 0) + 0.001 * g * g
          const at = parameter[i] ?? 0
          parameter[i] = at - rate * (correction * (m / (Math.sqrt(v) + 1e-8)) + decay * at)
          moments.first[i] = m
          moments.second[i] = v
        }
      }
    }
  }
  return withScale(network, mean, deviation)
}

/** The probabilities of the classes. */
export const predict = (network: Network, features: number[]): Float64Array => forward(network, features).probabilities

const forward = ({ hidden, classes, weights1, bias1, weights2, bias2 }: Network, features: number[]) => {
  const inner = Float64Array.from(bias1)
  for (const [i, value] of features.entries())
    for (let j = 0; j < hidden; j++) inner[j] = (inner[j] ?? 0) + value * (weights1[i * hidden + j] ?? 0)
  for (let j = 0; j < hidden; j++) inner[j] = Math.max(0, inner[j] ?? 0)
  const scores = Float64Array.from(bias2)
  for (let j = 0; j < hidden; j++)
    for (let k = 0; k < classes; k++) scores[k] = (scores[k] ?? 0) + (inner[j] ?? 0) * (weights2[j * classes + k] ?? 0)
  const highest = Math.max(...scores)
  const powers = scores.map((it) => Math.exp(it - highest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return { inner, probabilities: powers.map((it) => it / sum) }
}

const gradientsOf = (network: Network, samples: Sample[]): Float64Array[] => {
  const { hidden, classes, weights2 } = network
  const [w1, b1, w2, b2] = [network.weights1, network.bias1, network.weights2, network.bias2].map(
    ({ length }) => new Float64Array(length),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array]
  for (const { features, class: right } of samples) {
    const { inner, probabilities } = forward(network, features)
    const outer = probabilities.map((it, k) => (it - (k === right ? 1 : 0)) / samples.length)
    const back = new Float64Array(hidden)
    for (let j = 0; j < hidden; j++) {
      const value = inner[j] ?? 0
      if (value === 0) continue
      for (let k = 0; k < classes; k++) {
        const error = outer[k] ?? 0
        w2[j * classes + k] = (w2[j * classes + k] ?? 0) + value * error
        back[j] = (back[j] ?? 0) + error * (weights2[j * classes + k] ?? 0)
      }
      b1[j] = (b1[j] ?? 0) + (back[j] ?? 0)
    }
    for (let k = 0; k < classes; k++) b2[k] = (b2[k] ?? 0) + (outer[k] ?? 0)
    for (const [i, value] of features.entries()) {
      if (value === 0) continue
      for (let j = 0; j < hidden; j++) w1[i * hidden + j] = (w1[i * hidden + j] ?? 0) + value * (back[j] ?? 0)
    }
  }
  return [w1, b1, w2, b2]
}

/** The mean and the standard deviation of each feature. */
const scaleOf = (samples: Sample[]): { mean: number[]; deviation: number[] } => {
  const features = samples[0]?.features.map((_, i) => samples.map((it) => it.features[i] ?? 0)) ?? []
  const mean = features.map((of) => of.reduce((a, b) => a + b, 0) / of.length)
  const deviation = features.map((of, i) =>
    Math.sqrt(of.reduce((a, b) => a + (b - (mean[i] ?? 0)) ** 2, 0) / of.length),
  )
  // A pixel that is the same in all training pictures tells nothing, and must not amplify one that differs.
  return { mean, deviation: deviation.map((it) => Math.max(it, 0.05)) }
}

const scale = (features: number[], mean: number[], deviation: number[]): number[] =>
  features.map((it, i) => (it - (mean[i] ?? 0)) / (deviation[i] ?? 1))

/** The network for unscaled features: the scale becomes a part of its first layer. */
const withScale = (network: Network, mean: number[], deviation: number[]): Network => {
  const { features, hidden } = network
  const weights1 = network.weights1.slice()
  const bias1 = network.bias1.slice()
  for (let i = 0; i < features; i++)
    for (let j = 0; j < hidden; j++) {
      const weight = (weights1[i * hidden + j] ?? 0) / (deviation[i] ?? 1)
      weights1[i * hidden + j] = weight
      bias1[j] = (bias1[j] ?? 0) - weight * (mean[i] ?? 0)
    }
  return { ...network, weights1, bias1 }
}
