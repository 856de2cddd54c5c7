import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deviceModelCode, MAX_SERIAL_NUMBER, modulo97, serialOf } from './serial.ts'

/** Whether its check digits fit the rest of it. */
const isSerial = (serial: string): boolean => /^[A-Z0-9-]{1,20}-\d{8}-\d{2}$/.test(serial) && modulo97(serial) === 1

const code = fc
  .array(fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-'), { minLength: 1, maxLength: 20 })
  .map((characters) => characters.join(''))
const number = fc.integer({ min: 0, max: MAX_SERIAL_NUMBER })

test('a serial is the code, eight digits and two check digits', () => {
  expect(serialOf('0111', 1)).toBe('0111-00000001-88')
  expect(serialOf('X-9', MAX_SERIAL_NUMBER)).toMatch(/^X-9-99999999-\d\d$/)
})

test('the check is that of published IBANs and LEIs, whose account number comes first', () => {
  expect(modulo97('WEST12345698765432GB82')).toBe(1)
  expect(modulo97('5493001KJTIIGC8Y1R12')).toBe(1)
  expect(modulo97('5493001KJTIIGC8Y1R13')).not.toBe(1)
})

test('every serial passes its own check', () => {
  fc.assert(
    fc.property(code, number, (code, number) => {
      expect(deviceModelCode.parse(code)).toBe(code)
      expect(isSerial(serialOf(code, number))).toBe(true)
    }),
  )
})

test('a mistyped digit is noticed', () => {
  fc.assert(
    fc.property(
      code,
      number,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 9 }),
      (code, number, at, by) => {
        const serial = serialOf(code, number)
        const index = code.length + at
        const wrong = (Number(serial[index]) + by) % 10
        expect(isSerial(`${serial.slice(0, index)}${wrong}${serial.slice(index + 1)}`)).toBe(false)
      },
    ),
  )
})

test('two neighbouring digits that changed places are noticed', () => {
  fc.assert(
    fc.property(code, number, fc.integer({ min: 1, max: 7 }), (code, number, at) => {
      const serial = serialOf(code, number)
      const index = code.length + at
      const [one, other] = [serial[index], serial[index + 1]]
      fc.pre(one !== other)
      expect(isSerial(`${serial.slice(0, index)}${other}${one}${serial.slice(index + 2)}`)).toBe(false)
    }),
  )
})

test.each(['', 'a', 'A_1', 'Ä', 'A'.repeat(21), 'A B'])('%j is no code', (text) => {
  expect(deviceModelCode.safeParse(text).success).toBe(false)
})
