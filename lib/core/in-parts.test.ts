import { expect, test } from 'vitest'
import { inParts } from './in-parts.ts'

const partsOf = (sizes: number[]) => [...inParts(sizes, { most: 3, maxSize: 10, sizeOf: (size) => size })]

test.for([
  [[], []],
  [[11], [[11]]],
  [
    [1, 1, 1, 1],
    [[1, 1, 1], [1]],
  ],
  [
    [5, 5, 1],
    [[5, 5], [1]],
  ],
  [
    [4, 11, 4],
    [[4], [11], [4]],
  ],
])('sizes %j come as %j', ([sizes = [], parts]) => {
  expect(partsOf(sizes as number[])).toEqual(parts)
})
