import { GUARD_DIGITS, type Series, type State } from './series.ts'

/** Terms × decimals that are some 20 ms of work. */
const BLOCK = 20_000_000

/** Each term is smaller than the one before it by this factor, or more: 640320³ / 1728. */
const DIGITS_PER_TERM = Math.log10(640_320 ** 3 / 1_728)

/** 640320³ / 24 */
const DIVISOR = 10_939_058_860_032_000n

/**
 * The series of D. V. and G. V. Chudnovsky ("The computation of classical constants", PNAS 86, 1989):
 *
 *     π = 426880·√10005 / Σ (−1)ᵏ·aₖ·bₖ,   bₖ = 13591409 + 545140134·k
 *     a₀ = 1,   aₖ₊₁ = aₖ · (6k+1)(2k+1)(6k+5) / ((k+1)³ · 640320³/24)
 *
 * Bounds: each aₖ is rounded down and less than 2 units too small, so k terms are off by less than 2k·bₖ. The terms
 * alternate and shrink, so what comes after them is below the next one, (aₖ + 2)·bₖ.
 */
export const chudnovsky = (digits: number): Series => {
  const decimals = digits + GUARD_DIGITS
  const scale = 10n ** BigInt(decimals)
  const block = Math.ceil(BLOCK / decimals)
  const root = squareRoot(10_005n * (426_880n * scale) ** 2n)
  return {
    expectedTerms: Math.ceil(decimals / DIGITS_PER_TERM) + 1,
    begin: () => ({ terms: 0, term: scale, sum: 0n }),
    advance: (state) => advance(state, block),
    bounds: ({ terms, term, sum }) => {
      if (terms === 0) return { low: 3n * scale, high: 4n * scale }
      const error = factor(terms) * (2n * BigInt(terms) + term + 2n)
      return { low: (root * scale) / (sum + error), high: ((root + 1n) * scale) / (sum - error) + 1n }
    },
  }
}

const factor = (k: number): bigint => 13_591_409n + 545_140_134n * BigInt(k)

const advance = ({ terms, term, sum }: State, count: number): State => {
  const last = terms + count
  while (terms < last && term > 0n) {
    const addend = term * factor(terms)
    sum = terms % 2 === 0 ? sum + addend : sum - addend
    const k = BigInt(terms)
    const next = k + 1n
    term = (term * ((6n * k + 1n) * (2n * k + 1n) * (6n * k + 5n))) / (next * next * next * DIVISOR)
    terms++
  }
  return { terms, term, sum }
}

/**
 * ⌊√n⌋ by Newton's iteration whose precision doubles with each step (the algorithm of CPython's `math.isqrt`, where its
 * proof stands): as expensive as one division or two of the full length, some 30 ms for 100 000 digits.
 */
const squareRoot = (n: bigint): bigint => {
  const half = (bitLength(n) - 1) >> 1
  let root = 1n
  let done = 0
  for (let shift = 31 - Math.clz32(half); shift >= 0; shift--) {
    const before = done
    done = half >> shift
    root = (root << BigInt(done - before - 1)) + (n >> BigInt(2 * half - before - done + 1)) / root
  }
  return root * root > n ? root - 1n : root
}

const bitLength = (n: bigint): number => {
  const hex = n.toString(16)
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0] as string, 16)) + 28
}
