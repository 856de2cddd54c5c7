import { GUARD_DIGITS, type Series, type State } from './series.ts'

/** Terms × decimals that are some 20 ms of work. */
const BLOCK = 70_000_000

/**
 * Leibniz's π/4 = 1 − 1/3 + 1/5 − 1/7 + …, accelerated by Euler's transformation of alternating series (NIST DLMF
 * §3.9(ii); Knopp, "Theory and Application of Infinite Series", §35). As the k-th difference of 1/(2n+1) at n = 0 is
 * ∫₀¹(1−x²)ᵏ dx = (2k)!!/(2k+1)!!, it turns into
 *
 *     π = Σ tₖ,   t₀ = 2,   tₖ₊₁ = tₖ · (k+1)/(2k+3)
 *
 * which gains a bit with each term, where Leibniz's own needs ten times the terms for one more digit.
 *
 * Bounds: every ratio is below 1/2, so what comes after k terms is below 2·tₖ. Each tₖ is rounded down from its
 * predecessor, an error that stays below 2 units (half of the last one's, plus one); the sum of k terms is therefore
 * less than 2k units too small, and never too large.
 */
export const leibniz = (digits: number): Series => {
  const decimals = digits + GUARD_DIGITS
  const block = Math.ceil(BLOCK / decimals)
  return {
    expectedTerms: Math.ceil(decimals * Math.log2(10)),
    begin: () => ({ terms: 0, term: 2n * 10n ** BigInt(decimals), sum: 0n }),
    advance: (state) => advance(state, block),
    bounds: ({ terms, term, sum }) => ({ low: sum, high: sum + 2n * (BigInt(terms) + term + 2n) }),
  }
}

const advance = ({ terms, term, sum }: State, count: number): State => {
  const last = terms + count
  while (terms < last && term > 0n) {
    sum += term
    terms++
    term = (term * BigInt(terms)) / BigInt(2 * terms + 1)
  }
  return { terms, term, sum }
}
