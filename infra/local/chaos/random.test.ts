import fc from 'fast-check'
import { expect, test } from 'vitest'
import { between, createRandom, pick, shuffled } from './random.ts'

const row = (seed: number, label?: string): number[] => {
  const random = createRandom(seed, label)
  return Array.from({ length: 20 }, () => random())
}

test('a seed has one row, another seed or label another', () => {
  expect(row(42)).toEqual(row(42))
  expect(row(42, 'a')).toEqual(row(42, 'a'))
  expect(row(42)).not.toEqual(row(43))
  expect(row(42, 'a')).not.toEqual(row(42, 'b'))
})

test('numbers lie in [0, 1), and all over it', () => {
  const random = createRandom(7)
  const tenths = new Array<number>(10).fill(0)
  for (let n = 0; n < 10_000; n++) {
    const tenth = Math.floor(random() * 10)
    tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1
  }
  expect(tenths).toHaveLength(10)
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150)
})

test('whole numbers reach both ends', () => {
  const random = createRandom(1)
  expect(new Set(Array.from({ length: 200 }, () => between(random, 3, 6)))).toEqual(new Set([3, 4, 5, 6]))
})

test('shuffling keeps every item, and picking takes one of them', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.integer(), { minLength: 1 }), (seed, items) => {
      const random = createRandom(seed)
      expect(shuffled(random, items).toSorted()).toEqual(items.toSorted())
      expect(items).toContain(pick(random, items))
    }),
  )
  expect(() => pick(createRandom(1), [])).toThrow(RangeError)
})
