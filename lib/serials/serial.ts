import { z } from 'zod'

/** The highest number a serial can hold: eight digits. */
export const MAX_SERIAL_NUMBER = 99_999_999

/** A device model's code, the first part of its serials. */
export const deviceModelCode = z
  .string()
  .regex(/^[A-Z0-9-]{1,20}$/, 'expected 1–20 of A–Z, 0–9 and -')
  .meta({ description: '1–20 of A–Z, 0–9 and -', example: '0111' })

/**
 * The serial of one number: `0111-00000001-88`, the code, eight digits and two check digits, by which the whole of it is
 * 1 modulo 97. A mistyped character, and two neighbours that changed places, are noticed. (`serialNumbers.insertRange`
 * does the same in SQL.)
 */
export const serialOf = (code: string, number: number): string => {
  const digits = String(number).padStart(8, '0')
  const check = String(98 - modulo97(`${code}${digits}00`)).padStart(2, '0')
  return `${code}-${digits}-${check}`
}

/**
 * Text modulo 97 as ISO/IEC 7064 MOD 97-10 takes it, the check of IBANs and of Legal Entity Identifiers: letters are two
 * digits each (A = 10 … Z = 35), hyphens nothing at all.
 */
export const modulo97 = (text: string): number => {
  let rest = 0
  for (const character of text.replaceAll('-', '')) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value < 10 ? 10 : 100) + value) % 97
  }
  return rest
}
