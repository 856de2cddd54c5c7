import { z } from 'zod'
import { StintError } from '../core/errors.ts'
import { parseJson } from '../core/parse-json.ts'

/** Shapes that several resources share. */

const NO_ID = 'expected an id, like 01a20610-c462-7693-9270-2c83469d56d5'

/** A UUID in its canonical lower-case form. */
export const id = z.uuid({ error: ({ code }) => (code === 'invalid_format' ? NO_ID : undefined) }).toLowerCase()

/** An instant, RFC 3339, UTC. PostgreSQL has no year 0, and limits the digits of a fraction. */
export const timestamp = z.iso
  .datetime('expected a time in UTC, like 2026-11-23T01:41:31Z')
  .max(40, 'expected at most 40 characters')
  .refine((it) => !it.startsWith('0000'), 'expected a year from 0001 to 9999')

/**
 * What is in UTC already keeps its digits, up to those that PostgreSQL has: it rounds the others, and the last moment of
 * 9999 to the year 10000, which no timestamp can say. An offset costs those beyond milliseconds.
 */
const inUtc = (time: string): string => {
  const ms = time.endsWith('Z') ? Number.NaN : Date.parse(time)
  return Number.isNaN(ms) ? time.replace(/(\.\d{6})\d+Z$/, '$1Z') : new Date(ms).toISOString()
}

/** An instant from a caller: RFC 3339 with any offset, turned into UTC. */
export const instant = z.iso
  .datetime({ offset: true, error: 'expected a time with its offset, like 2026-11-23T01:41:31Z or …+02:00' })
  .max(40, 'expected at most 40 characters')
  .overwrite(inUtc)
  .refine((it) => !/^(0000|[+-])/.test(it), 'expected a year from 0001 to 9999')

/** Text for people: trimmed, not empty, and not only of invisible characters. */
export const label = (maxLength: number) => {
  const bounds = `expected 1 to ${maxLength} characters`
  return z
    .string()
    .trim()
    .min(1, bounds)
    .max(maxLength, bounds)
    .refine(hasVisible, 'must have a character that can be seen')
}

/** The blank of Braille counts as printable, but is invisible. */
const VISIBLE = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u
const hasVisible = (text: string): boolean => text === '' || VISIBLE.test(text)

/** Line ends and other controls, and marks that reverse the text after them: `gpj.exe` would be shown as `exe.jpg`. */
const MISLEADING = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** A file's name: one line, shown in the order in which it is written. */
export const fileName = label(255).refine(
  (name) => !MISLEADING.test(name),
  'may hold no line ends, no other control characters, and none that turn the direction of text',
)

/** `limit` and `cursor` of every list. */
export const page = {
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(200).optional(),
}

/** A page of a list. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

/**
 * The opaque cursor of a list that is ordered by one id or number.
 * @throws {StintError} VALIDATION_FAILED when the text was not made by {@link encodeCursor}
 */
export const decodeCursor = <T extends z.ZodType>(cursor: string | undefined, schema: T): z.output<T> | undefined => {
  if (cursor === undefined) return undefined
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')))
  if (parsed.success) return parsed.data
  throw new StintError('VALIDATION_FAILED', 'The cursor was not made by this API.', {
    errors: [{ path: 'cursor', message: 'expected the nextCursor of an earlier page' }],
  })
}

export const encodeCursor = (position: unknown): string => Buffer.from(JSON.stringify(position)).toString('base64url')

/**
 * Cuts a page out of rows of which one more than `limit` was asked for. Where items may be large it is cut by their
 * size as well.
 */
export const toPage = <Row, Item>(
  rows: Row[],
  limit: number,
  item: (row: Row) => Item,
  position: (row: Row) => unknown,
  sizeOf?: (row: Row) => number,
) => {
  const shown = rows.slice(0, sizeOf ? fitting(rows, limit, sizeOf) : limit)
  const last = shown.at(-1)
  return {
    items: shown.map(item),
    nextCursor: rows.length > shown.length && last !== undefined ? encodeCursor(position(last)) : null,
  }
}

/** About how large a page may become: a function's answer has 6 MB, and is JSON that stands in JSON. */
const PAGE_BYTES = 2 * 1024 * 1024

/** How many of the rows one answer takes: at least one. */
export const fitting = <Row>(rows: readonly Row[], limit: number, sizeOf: (row: Row) => number): number => {
  let bytes = 0
  const beyond = rows.findIndex((row, index) => {
    bytes += sizeOf(row)
    return index > 0 && (index >= limit || bytes > PAGE_BYTES)
  })
  return beyond < 0 ? rows.length : beyond
}

/** The bytes of a value as JSON. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '')
