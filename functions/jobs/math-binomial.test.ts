import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { approximately } from './math/binomial.ts'
import { mathBinomial } from './math-binomial.ts'

interface Result {
  value: string
  digits: number
}

const binomial = async (n: number, k: number): Promise<Result> =>
  (await runKind(mathBinomial, { input: { n, k } })).result as Result

/** first · … · last, by halves. */
const productOf = (first: number, last: number): bigint => {
  if (first >= last) return first === last ? BigInt(first) : 1n
  const middle = Math.floor((first + last) / 2)
  return productOf(first, middle) * productOf(middle + 1, last)
}

/** n! / (k! (n − k)!), with what cancels left out. */
const byDefinition = (n: number, k: number): bigint => productOf(n - k + 1, n) / productOf(1, k)

test.each([
  [0, 0, '1'],
  [1, 0, '1'],
  [1, 1, '1'],
  [2, 1, '2'],
  [10, 3, '120'],
  [49, 6, '13983816'],
  [52, 5, '2598960'],
  [100, 50, '100891344545564193334812497256'],
  [100_000, 1, '100000'],
  [100_000, 99_999, '100000'],
  [100_000, 100_000, '1'],
])('%i over %i is %s', async (n, k, value) => {
  expect(await binomial(n, k)).toEqual({ n, k, value, digits: value.length })
})

test('is what the definition says, for any n and k', async () => {
  const pair = fc.integer({ min: 0, max: 3_000 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n })))
  await fc.assert(
    fc.asyncProperty(pair, async ([n, k]) => {
      expect((await binomial(n, k)).value).toBe(byDefinition(n, k).toString())
    }),
    { numRuns: 50 },
  )
})

describe('the largest, 100 000 over 50 000', () => {
  const input = { n: 100_000, k: 50_000 }

  test('is exact, and fits into a result', async () => {
    const { value, digits } = await binomial(input.n, input.k)
    expect(digits).toBe(30_101)
    expect(value).toBe(byDefinition(input.n, input.k).toString())
    expect(value.slice(0, 6)).toBe('252060')
  })

  test('comes to the same through as many stints as there are safe points', async () => {
    const { result } = await runKind(mathBinomial, { input })
    const resumed = await runInShortestStints(mathBinomial, { input })
    expect(resumed.stints).toBeGreaterThan(10)
    expect(resumed.result).toEqual(result)
  })

  test('is shown to six digits from the first safe point on', async () => {
    const { safePoints } = await runKind(mathBinomial, { input })
    expect(safePoints[0]?.partial).toEqual({ approximately: '2.52061e+30100' })
    expect(safePoints.map(({ progress }) => progress)).toEqual(
      safePoints.map(({ progress }) => progress).toSorted((a = 0, b = 0) => a - b),
    )
    expect(safePoints.at(-1)?.progress).toBe(1)
  })
})

test('the approximation is the value, rounded', async () => {
  for (const [n, k] of [
    [10, 3],
    [100, 50],
    [2_000, 1_999],
    [99_999, 40_000],
  ] as const) {
    const [mantissa = '', exponent = ''] = approximately(n, k).split('e+')
    const { value, digits } = await binomial(n, k)
    expect(Number(exponent)).toBe(digits - 1)
    expect(Number(mantissa)).toBeCloseTo(Number(`${value[0]}.${value.slice(1, 12) || '0'}`), 4)
  }
})

test.each([
  [{}, 'n'],
  [{ n: 5 }, 'k'],
  [{ n: 5, k: 6 }, 'k'],
  [{ n: 5, k: -1 }, 'k'],
  [{ n: 100_001, k: 1 }, 'n'],
  [{ n: 2.5, k: 1 }, 'n'],
  [{ n: '5', k: 1 }, 'n'],
])('refuses %j and names the field', (input, field) => {
  expect(mathBinomial.input.safeParse(input).error?.issues[0]?.path).toEqual([field])
})
