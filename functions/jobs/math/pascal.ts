import { setImmediate as nextTurn } from 'node:timers/promises'

/** Digits that are written out before the event loop gets a turn: some 10 ms of work. */
const TURN_DIGITS = 200_000

/**
 * The first `count` numbers of the n-th row of Pascal's triangle, in digits. A row is the same from both ends, so only
 * half of it is computed. 10 000 take a second, in turns that leave the event loop to others.
 */
export const coefficients = async (n: number, count: number): Promise<string[]> => {
  const half: string[] = []
  let value = 1n
  let digits = 0
  for (let k = 0; k <= n / 2 && k < count; k++) {
    const text = value.toString()
    half.push(text)
    value = (value * BigInt(n - k)) / BigInt(k + 1)
    digits += text.length
    if (digits < TURN_DIGITS) continue
    digits = 0
    await nextTurn()
  }
  const rest = Math.max(0, Math.min(count, n + 1) - half.length)
  return [...half, ...Array.from({ length: rest }, (_, index) => half[n - half.length - index] as string)]
}
