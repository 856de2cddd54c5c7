import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { mulberry32, shuffled } from '../local/chaos/random.ts'

export interface Sample {
  features: number[]
  class: number
}

export interface Samples {
  train: Sample[]
  /** One in five, which training never sees. */
  heldOut: Sample[]
}

/** 150 flowers: the lengths and widths of their sepals and petals in cm, and which of three species they are. */
export const iris = (): Samples => split(rowsOf(read('iris.csv').toString()).slice(1).map(sample))

/** 1 797 digits that people wrote: 8 × 8 pixels from 0, the ink, to 1, the paper. */
export const digits = (): Samples =>
  split(
    rowsOf(gunzipSync(read('digits.csv.gz')).toString())
      .map(sample)
      .map(asPicture),
  )

const read = (name: string): Buffer => readFileSync(new URL(`data/${name}`, import.meta.url))

const rowsOf = (text: string): string[] => text.trim().split('\n')

/** Numbers between commas, of which the last is the class. */
const sample = (row: string): Sample => {
  const numbers = row.split(',').map(Number)
  return { features: numbers.slice(0, -1), class: numbers.at(-1) ?? 0 }
}

/** The file has how much ink there is, from 0 to 16. */
const asPicture = ({ features, ...rest }: Sample): Sample => ({ ...rest, features: features.map((it) => 1 - it / 16) })

const split = (all: Sample[]): Samples => {
  const order = shuffled(mulberry32(1), all)
  const heldOut = Math.round(order.length / 5)
  return { train: order.slice(heldOut), heldOut: order.slice(0, heldOut) }
}
