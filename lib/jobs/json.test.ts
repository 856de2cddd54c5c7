import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { PermanentError } from './define.ts'
import { excessOf, MAX_DATA_BYTES, toStoredJson, toStoredProgress, writtenBytes } from './json.ts'

const store = (value: unknown, maxBytes = MAX_DATA_BYTES) => toStoredJson(value, 'result', maxBytes)

/** Any text, with more of what is special in JSON and in jsonb than chance would give. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\0', '\ud800', '\udfff', '😀', '\\', '\\u0000', '\\ud800', 'C:\\udbase', '"', '\u2028'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}))

/** Whether jsonb can hold the text: it knows neither NUL nor half a surrogate pair. */
const isStorable = (it: unknown): boolean => {
  if (typeof it === 'string') return it.isWellFormed() && !it.includes('\0')
  if (typeof it !== 'object' || it === null) return true
  return Object.entries(it).every(([key, inner]) => isStorable(key) && isStorable(inner))
}

describe('a value for a JSON column', () => {
  test('is given as JSON when jsonb can hold it, and else refused for good', () => {
    fc.assert(
      fc.property(value, (given) => {
        if (isStorable(given)) expect(JSON.parse(store(given))).toEqual(JSON.parse(JSON.stringify(given)))
        else expect(() => store(given)).toThrow(expect.objectContaining({ code: 'RESULT_INVALID' }))
      }),
      { numRuns: 2_000 },
    )
  })

  test('that is given as JSON is taken by PostgreSQL and comes back as it was', async ({ world: { sql } }) => {
    const property = fc.asyncProperty(value.filter(isStorable), async (given) => {
      const json = store(given)
      const [row] = await sql<{ stored: unknown }[]>`SELECT ${json}::text::jsonb AS stored`
      expect(row?.stored).toEqual(JSON.parse(json))
    })
    await fc.assert(property, { numRuns: 300, skipAllAfterTimeLimit: 5_000 })
  })

  test('may have as many bytes as are allowed, and not one more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (given) => {
        const bytes = Buffer.byteLength(JSON.stringify(given))
        expect(store(given, bytes)).toBe(JSON.stringify(given))
        expect(() => store(given, bytes - 1)).toThrow(expect.objectContaining({ code: 'RESULT_TOO_LARGE' }))
      }),
    )
  })

  test('may have four times as many bytes when PostgreSQL writes its numbers out', () => {
    const numbers = (count: number) => Array.from({ length: count }, () => 1e300)
    expect(store(numbers(3_000))).toBe(JSON.stringify(numbers(3_000)))
    expect(() => store(numbers(4_000))).toThrow(
      expect.objectContaining({ code: 'RESULT_TOO_LARGE', message: expect.stringContaining('written out') }),
    )
    expect(toStoredJson(numbers(4_000), 'checkpoint', 4 * MAX_DATA_BYTES)).toBe(JSON.stringify(numbers(4_000)))
  })

  test('is not held against its bytes where it is too short to have too many', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double(), fc.constant(5e-324)), { minLength: 1 }),
        fc.nat(10_000),
        (given, most) => {
          const json = JSON.stringify(given)
          expect(excessOf(json, most) !== null).toBe(json.length > most || writtenBytes(json) > 4 * most)
        },
      ),
    )
  })

  test('may be nested 200 levels deep, and not one more', () => {
    const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
    expect(store(nested(200))).toHaveLength(400)
    for (const levels of [201, 3_000, 100_000])
      expect(() => store(nested(levels))).toThrow(expect.objectContaining({ code: 'RESULT_TOO_DEEP' }))
  })

  test('that isn’t there is null', () => {
    expect([store(undefined), store(null)]).toEqual(['null', 'null'])
  })

  test('that JSON doesn’t know is refused for good', () => {
    const circular: Record<string, unknown> = {}
    circular['itself'] = circular
    for (const given of [1n, circular, () => {}, Symbol('s')]) {
      expect(() => store(given)).toThrow(PermanentError)
      expect(() => store(given)).toThrow(expect.objectContaining({ code: 'RESULT_INVALID' }))
    }
  })
})

test('numbers with exponents count for what PostgreSQL writes of them, and for hardly more', async ({
  world: { sql },
}) => {
  const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 })
  const property = fc.asyncProperty(numbers, async (given) => {
    const json = JSON.stringify(given)
    const [row] = await sql<[{ written: string }]>`SELECT ${json}::text::jsonb::text AS written`
    const { length } = row.written.replaceAll(' ', '')
    expect(writtenBytes(json)).toBeGreaterThanOrEqual(length)
    expect(writtenBytes(json)).toBeLessThanOrEqual(length + 25 * given.length)
  })
  await fc.assert(property, { numRuns: 100, skipAllAfterTimeLimit: 5_000 })
  expect(writtenBytes('["4e-5", "4e+500"]')).toBe(18)
})

describe('progress', () => {
  test('is from 0 to 1, and cut to it where it is beyond', () => {
    expect([-0.1, 0, 0.5, 1, 1.0000001].map(toStoredProgress)).toEqual([0, 0, 0.5, 1, 1])
  })

  test('is rounded to what its column holds, so that nothing is too small for it', () => {
    expect([1e-50, Number.MIN_VALUE, 0.25].map(toStoredProgress)).toEqual([0, 0, 0.25])
  })
})
