import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTooDeep, MAX_DEPTH } from './json-depth.ts'

const nested = (depth: number, open: string, close: string, inner: string) =>
  open.repeat(depth) + inner + close.repeat(depth)

test('text is too deep from one level past the limit on, whatever it is nested in', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
    ['[0,{"]":', '}]'],
  ] as const) {
    const levels = open.length > 5 ? 2 : 1
    expect(isTooDeep(nested(MAX_DEPTH / levels, open, close, '"x"'))).toBe(false)
    expect(isTooDeep(nested(MAX_DEPTH / levels, open, close, '[]'))).toBe(true)
  }
})

test('brackets side by side, and those in strings, are no depth', () => {
  expect(isTooDeep(`[${'[],{},'.repeat(1_000)}0]`)).toBe(false)
  expect(isTooDeep(JSON.stringify(['[{'.repeat(1_000), '\\"[{'.repeat(1_000), '\\'.repeat(1_001)]))).toBe(false)
})

test('a text is never too deep for what it says in its strings', () => {
  const text = fc.string({ unit: fc.constantFrom('[', '{', '"', '\\', 'a', ']') })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), fc.nat(3), (texts, more) => {
      const inner = JSON.stringify(texts)
      expect(isTooDeep(nested(MAX_DEPTH - 1, '[', ']', inner))).toBe(false)
      expect(isTooDeep(nested(MAX_DEPTH + more, '[', ']', inner))).toBe(true)
    }),
  )
})

test('a string without an end is passed over, too', () => {
  expect(isTooDeep(`["${'['.repeat(1_000)}`)).toBe(false)
})
