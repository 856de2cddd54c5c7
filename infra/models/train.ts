import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { predict, train } from './network.ts'
import { digits, iris, type Sample } from './samples.ts'
import { type About, toOnnx } from './to-onnx.ts'

// `npm run models`: trains the models that come with Stint, in a few seconds; the same ones each time.

const FOLDER = new URL('../../functions/jobs/model/shipped/', import.meta.url)

export interface Trained {
  name: string
  bytes: Uint8Array
  /** The share of held-out samples that it classifies correctly. */
  accuracy: number
}

export const trainIris = (): Trained => {
  const { train: seen, heldOut } = iris()
  const classes = ['setosa', 'versicolor', 'virginica']
  const columns = ['sepal length', 'sepal width', 'petal length', 'petal width']
  const options = { hidden: 8, epochs: 200, batch: 16, rate: 0.01, decay: 0.01, seed: 4 }
  const network = train(seen, { ...options, classes: classes.length })
  return trained(network, heldOut, { name: 'iris', shape: [4], classes, columns })
}

export const trainDigits = (): Trained => {
  const { train: seen, heldOut } = digits()
  const classes = Array.from({ length: 10 }, (_, digit) => String(digit))
  const options = { hidden: 48, epochs: 40, batch: 32, rate: 0.003, decay: 0.02, seed: 5 }
  const network = train(seen, { ...options, classes: classes.length })
  return trained(network, heldOut, { name: 'digits', shape: [1, 8, 8], classes })
}

const trained = (network: ReturnType<typeof train>, heldOut: Sample[], about: About): Trained => {
  const right = heldOut.filter(({ features, class: of }) => highest(predict(network, features)) === of)
  return { name: about.name, bytes: toOnnx(network, about), accuracy: right.length / heldOut.length }
}

const highest = (of: Float64Array): number => of.indexOf(Math.max(...of))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(FOLDER, { recursive: true })
  for (const { name, bytes, accuracy } of [trainIris(), trainDigits()]) {
    writeFileSync(new URL(`${name}.onnx`, FOLDER), bytes)
    console.log(
      `${name}.onnx: ${bytes.length} bytes, right for ${(100 * accuracy).toFixed(1)} % of what it had not seen`,
    )
  }
}
