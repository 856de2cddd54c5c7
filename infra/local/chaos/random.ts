/** The next number of its sequence, in [0, 1). */
export type Random = () => number

/** Random numbers that are the same for the same seed: mulberry32 (Tommy Ettinger, public domain), 32 bits of state. */
export const mulberry32 = (seed: number): Random => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Each `label` has a sequence of its own, so that nobody's numbers depend on how often others draw. */
export const createRandom = (seed: number, label = ''): Random => mulberry32(hash(`${seed} ${label}`))

/** A whole number from `least` to `most`, both included. */
export const between = (random: Random, least: number, most: number): number =>
  least + Math.floor(random() * (most - least + 1))

/** @throws when there is nothing to choose from */
export const pick = <T>(random: Random, items: readonly T[]): T => {
  const found = items[Math.floor(random() * items.length)]
  if (found === undefined) throw new RangeError('there is nothing to pick from')
  return found
}

/** The items in any order (Fisher–Yates). */
export const shuffled = <T>(random: Random, items: readonly T[]): T[] => {
  const mixed = [...items]
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = between(random, 0, last)
    ;[mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T]
  }
  return mixed
}

/** FNV-1a, 32 bits. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value
}
