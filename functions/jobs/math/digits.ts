import { type Bounds, GUARD_DIGITS } from './series.ts'

/**
 * The decimals of π, at most `digits` of them, that are certain: those in which both ends of the interval agree, as
 * "3.1415…", cut off and not rounded. Empty while not even the 3 is certain.
 */
export const certainDigits = ({ low, high }: Bounds, digits: number): string => {
  const decimals = digits + GUARD_DIGITS
  for (let dropped = Math.max(GUARD_DIGITS, decimalLength(high - low)); dropped <= decimals; dropped++) {
    const unit = 10n ** BigInt(dropped)
    const known = low / unit
    if (known === high / unit) return withPoint(known.toString())
  }
  return ''
}

const withPoint = (figures: string): string => (figures.length === 1 ? figures : `${figures[0]}.${figures.slice(1)}`)

/** At least as many decimal digits as `n` has, and at most two more. */
const decimalLength = (n: bigint): number => Math.ceil(n.toString(16).length * Math.log10(16))

/** A natural number as text: base64 of its bytes, the densest that JSON takes as it is. */
export const encodeNatural = (n: bigint): string => {
  const hex = n.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64')
}

export const decodeNatural = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64').toString('hex')}`)
