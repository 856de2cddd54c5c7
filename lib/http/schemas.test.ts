import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { test } from '../../tests/support/world.ts'
import { readableErrors } from '../core/readable-errors.ts'
import {
  decodeCursor,
  encodeCursor,
  fileName,
  id,
  instant,
  jsonBytes,
  label,
  page,
  timestamp,
  toPage,
} from './schemas.ts'

const query = z.object(page)

describe('a page', () => {
  test('has 50 items unless its limit says otherwise, 1 to 100', () => {
    expect(query.parse({}).limit).toBe(50)
    expect(query.parse({ limit: '1' }).limit).toBe(1)
    expect(query.parse({ limit: '100' }).limit).toBe(100)
  })

  test.for(['0', '101', '-1', '1.5', 'ten', 'Infinity', '1e9'])('refuses the limit %s', (limit) => {
    expect(query.safeParse({ limit }).success).toBe(false)
  })

  const cut = (rows: number[], limit: number) =>
    toPage(
      rows,
      limit,
      (row) => ({ row }),
      (row) => row,
    )

  test('shows no more than its limit, and says where to go on', () => {
    const { items, nextCursor } = cut([1, 2, 3], 2)
    expect(items).toEqual([{ row: 1 }, { row: 2 }])
    expect(decodeCursor(nextCursor ?? undefined, z.int())).toBe(2)
  })

  test('of large rows is shorter, has at least one, and says where to go on', () => {
    const cut = (rows: string[]) =>
      toPage(
        rows,
        100,
        (row) => row.length,
        (row) => row.length,
        jsonBytes,
      )
    const megabytes = (count: number) => 'x'.repeat(count * 1024 * 1024)
    expect(cut([megabytes(1), 'a', megabytes(1), 'b']).items).toEqual([1024 * 1024, 1])
    const { items, nextCursor } = cut([megabytes(5), 'b'])
    expect(items).toEqual([5 * 1024 * 1024])
    expect(nextCursor).not.toBeNull()
    expect(cut([megabytes(5)]).nextCursor).toBeNull()
  })

  test('is the last one when there is no row past its limit', () => {
    expect(cut([1, 2], 2).nextCursor).toBeNull()
    expect(cut([], 2)).toEqual({ items: [], nextCursor: null })
  })
})

describe('a cursor', () => {
  test('gives back the position that was put into it', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (position) => decodeCursor(encodeCursor(position), z.int()) === position),
    )
    expect(decodeCursor(undefined, z.int())).toBeUndefined()
  })

  test.for(['', 'x', '!!!', 'bnVsbA', encodeCursor('no number'), encodeCursor({ $gt: 0 }), encodeCursor(1.5)])(
    'is refused by name when it is %j',
    (cursor) => {
      expect(() => decodeCursor(cursor, z.int())).toThrow(
        expect.objectContaining({ code: 'VALIDATION_FAILED', errors: [expect.objectContaining({ path: 'cursor' })] }),
      )
    },
  )

  test('is refused, and never a crash, whatever text it is', () => {
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        try {
          decodeCursor(cursor, z.uuid())
        } catch (error) {
          expect(error).toMatchObject({ code: 'VALIDATION_FAILED' })
        }
      }),
    )
  })
})

test('an id is a UUID and becomes lower-case', () => {
  expect(id.parse('01890A5D-AC96-774B-BCCE-B302099A8057')).toBe('01890a5d-ac96-774b-bcce-b302099a8057')
  const told = (value?: string) =>
    z.object({ id }).safeParse({ id: value }, readableErrors({ id: value })).error?.issues[0]?.message
  expect(told('1')).toBe('expected an id, like 01a20610-c462-7693-9270-2c83469d56d5')
  expect(told()).toBe('is needed')
  expect(id.safeParse("01890a5d-ac96-774b-bcce-b302099a8057'--").success).toBe(false)
})

test('a label is trimmed, and not empty', () => {
  expect(label(5).parse('  ab  ')).toBe('ab')
  const refused = ['   ', 'abcdef'].map((it) =>
    label(5)
      .safeParse(it)
      .error?.issues.map(({ message }) => message),
  )
  expect(refused).toEqual([['expected 1 to 5 characters'], ['expected 1 to 5 characters']])
  for (const unseen of ['\u200B', '\u202E\u2066', '\u3164', '\u2800', '\uFE0F\u00AD', '\x1B'])
    expect(label(5).safeParse(unseen).error?.issues[0]?.message).toBe('must have a character that can be seen')
  for (const seen of ['ب', '👩\u200D👩', '\u202Ea', '.']) expect(label(5).safeParse(seen).success, seen).toBe(true)
})

test('a file’s name is one line that is shown as it is written', () => {
  for (const misleading of ['a\r\nb', 'a\tb', 'a\u2028b', 'photo\u202Egpj.exe', '\u2066a\u2069'])
    expect(fileName.safeParse(misleading).success, JSON.stringify(misleading)).toBe(false)
  for (const plain of ['Übersicht 2026 (1).csv', 'تقرير.pdf', 'דוח\u200F.pdf', '👩\u200D👩.png'])
    expect(fileName.parse(plain)).toBe(plain)
})

test('a timestamp is RFC 3339 in UTC', () => {
  expect(timestamp.safeParse('2026-02-28T12:00:00.000Z').success).toBe(true)
  expect(timestamp.safeParse('2026-02-30T12:00:00Z').success).toBe(false)
  const other = timestamp.safeParse('2026-02-28T12:00:00+02:00')
  expect(other.error?.issues.map(({ message }) => message)).toEqual([
    'expected a time in UTC, like 2026-11-23T01:41:31Z',
  ])
})

test('an instant is RFC 3339 by any clock, and comes to UTC', () => {
  const comesTo = [
    ['2026-02-28T12:00:00.123456Z', '2026-02-28T12:00:00.123456Z'],
    ['2026-02-28T12:00:00.1234567Z', '2026-02-28T12:00:00.123456Z'],
    // PostgreSQL would round it to the year 10000.
    ['9999-12-31T23:59:59.9999999Z', '9999-12-31T23:59:59.999999Z'],
    ['2026-02-28T12:00:00.123456+00:00', '2026-02-28T12:00:00.123Z'],
    ['2026-02-28T12:00:00+02:00', '2026-02-28T10:00:00.000Z'],
    // PostgreSQL takes no offset beyond 15:59.
    ['2026-02-28T12:00:00-23:59', '2026-03-01T11:59:00.000Z'],
  ]
  for (const [given, utc] of comesTo) expect(instant.parse(given)).toBe(utc)
})

test.for([
  ['2026-02-28T12:00:00', 'expected a time with its offset, like 2026-11-23T01:41:31Z or …+02:00'],
  ['tomorrow', 'expected a time with its offset, like 2026-11-23T01:41:31Z or …+02:00'],
  ['0000-01-01T00:00:00Z', 'expected a year from 0001 to 9999'],
  ['0001-01-01T00:00:00+01:00', 'expected a year from 0001 to 9999'],
  ['9999-12-31T23:59:59-01:00', 'expected a year from 0001 to 9999'],
])('an instant is none as %s', ([given, message]) => {
  expect(instant.safeParse(given).error?.issues[0]?.message).toBe(message)
})

test('a timestamp is one that PostgreSQL can read', async ({ world: { sql } }) => {
  for (const given of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', `2026-02-28T12:00:00.${'1'.repeat(19)}Z`]) {
    expect(timestamp.parse(given)).toBe(given)
    expect(await sql`SELECT ${given}::text::timestamptz`).toHaveLength(1)
  }
  const refused = ['0000-01-01T00:00:00Z', `2026-02-28T12:00:00.${'1'.repeat(150)}Z`].map((given) =>
    timestamp.safeParse(given).error?.issues.map(({ message }) => message),
  )
  expect(refused).toEqual([['expected a year from 0001 to 9999'], ['expected at most 40 characters']])
})
