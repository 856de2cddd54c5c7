/**
 * How far a series was summed, in fixed point: `term` and `sum` count units of 10^-(digits + GUARD_DIGITS).
 * Exact integers, so that a sum that was interrupted and resumed is the same sum.
 */
export interface State {
  /** How many terms are in `sum`. */
  terms: number
  /** The size of the next one. */
  term: bigint
  sum: bigint
}

/** An interval that holds π, in the same units. */
export interface Bounds {
  low: bigint
  high: bigint
}

/** A series for π, at one precision. It is summed when the next term is smaller than a unit. */
export interface Series {
  /** About how many terms it takes. */
  expectedTerms: number
  begin(): State
  /** The state some 20 ms of work later. */
  advance(state: State): State
  bounds(state: State): Bounds
}

/**
 * Computed beyond the digits asked for. Rounding costs at most 6 of them (Leibniz) or 11 (Chudnovsky), so the last digit
 * is certain unless a run of 19 noughts or nines begins right behind it; up to 100 000 digits no run is longer than 6.
 */
export const GUARD_DIGITS = 30
