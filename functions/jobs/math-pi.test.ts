import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { mathPi } from './math-pi.ts'

/** The first thousand decimals, as published. */
const THOUSAND = [
  '1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679',
  '8214808651328230664709384460955058223172535940812848111745028410270193852110555964462294895493038196',
  '4428810975665933446128475648233786783165271201909145648566923460348610454326648213393607260249141273',
  '7245870066063155881748815209209628292540917153643678925903600113305305488204665213841469519415116094',
  '3305727036575959195309218611738193261179310511854807446237996274956735188575272489122793818301194912',
  '9833673362440656643086021394946395224737190702179860943702770539217176293176752384674818467669405132',
  '0005681271452635608277857713427577896091736371787214684409012249534301465495853710507922796892589235',
  '4201995611212902196086403441815981362977477130996051870721134999999837297804995105973173281609631859',
  '5024459455346908302642522308253344685035261931188171010003137838752886587533208381420617177669147303',
  '5982534904287554687311595628638823537875937519577818577805321712268066130019278766111959092164201989',
].join('')

const METHODS = ['leibniz', 'chudnovsky'] as const

const pi = async (digits: number, method: string): Promise<string> => {
  const { result } = await runKind(mathPi, { input: { digits, method } })
  return (result as { digits: string }).digits
}

describe.each(METHODS)('math.pi by %s', (method) => {
  test('gives the published digits', async () => {
    expect(await pi(1_000, method)).toBe(`3.${THOUSAND}`)
  })

  test('cuts the digits off and does not round them, next to the six nines too', async () => {
    for (const digits of [1, 2, 3, 4, 761, 762, 763, 764, 768]) {
      expect(await pi(digits, method)).toBe(`3.${THOUSAND.slice(0, digits)}`)
    }
  })

  test('comes to the same result through as many stints as there are safe points', async () => {
    const input = { digits: 30_000, method }
    const { result } = await runKind(mathPi, { input })
    const resumed = await runInShortestStints(mathPi, { input })
    expect(resumed.stints).toBeGreaterThan(3)
    expect(resumed.result).toEqual(result)
  })

  test('comes to the same result from every safe point', async () => {
    const input = { digits: 12_000, method }
    const { result, safePoints } = await runKind(mathPi, { input })
    for (const n of safePoints.keys()) {
      const { checkpoint } = await runKind(mathPi, { input, stopAt: n + 1 })
      expect((await runKind(mathPi, { input, checkpoint })).result).toEqual(result)
    }
  })

  test('shows only digits that are certain, and ever more of them', async () => {
    const { safePoints, result } = await runKind(mathPi, { input: { digits: 30_000, method } })
    const partials = safePoints.flatMap(({ partial }) => (partial === undefined ? [] : [String(partial)]))
    expect(partials.length).toBeGreaterThan(3)
    expect(partials.filter((partial) => !(result as { digits: string }).digits.startsWith(partial))).toEqual([])
    expect(partials.map((partial) => partial.length)).toEqual(
      [...partials.map((it) => it.length)].sort((a, b) => a - b),
    )
  })

  test('keeps its checkpoint and its partial result small', async () => {
    const { safePoints } = await runKind(mathPi, { input: { digits: 100_000, method }, stopAt: 2 })
    for (const point of safePoints) expect(JSON.stringify(point).length).toBeLessThan(128 * 1024)
  })
})

describe('math.pi', () => {
  let hundredThousand = ''
  beforeAll(async () => {
    hundredThousand = await pi(100_000, 'chudnovsky')
  })

  test('gives the published digits at the ends of 10 000 and 100 000', () => {
    expect(hundredThousand.slice(0, 10_002).slice(-10)).toBe('5256375678')
    expect(hundredThousand.slice(-10)).toBe('5493624646')
    expect(hundredThousand).toHaveLength(100_002)
  })

  test('gives the same digits by both methods, however many', async () => {
    const digits = fc.integer({ min: 1, max: 4_000 })
    await fc.assert(
      fc.asyncProperty(digits, fc.constantFrom(...METHODS), async (count, method) => {
        expect(await pi(count, method)).toBe(hundredThousand.slice(0, count + 2))
      }),
      { numRuns: 50 },
    )
    expect(await pi(30_000, 'leibniz')).toBe(hundredThousand.slice(0, 30_002))
  })

  test('has guard digits for longer runs of noughts and nines than there are', () => {
    const longest = Math.max(...(hundredThousand.match(/0+|9+/g) ?? []).map((run) => run.length))
    expect(longest).toBe(6)
  })

  test('computes by Leibniz unless told otherwise, and says how many terms it took', async () => {
    const { result } = await runKind(mathPi, { input: { digits: 5 } })
    expect(result).toEqual({ digits: '3.14159', method: 'leibniz', terms: expect.any(Number) })
  })

  test.each([
    [{}, 'digits'],
    [{ digits: 0 }, 'digits'],
    [{ digits: 100_001 }, 'digits'],
    [{ digits: 1.5 }, 'digits'],
    [{ digits: 5, method: 'monte-carlo' }, 'method'],
  ])('refuses %j and names the field', (input, field) => {
    expect(mathPi.input.safeParse(input).error?.issues[0]?.path).toEqual([field])
  })
})
