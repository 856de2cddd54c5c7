import { isTooDeep, MAX_DEPTH } from '../core/json-depth.ts'
import { PermanentError } from './define.ts'
import { serializeError } from './thrown.ts'

/** Input, partial and result of a job, each, as JSON (bytes). What is larger belongs into a file. */
export const MAX_DATA_BYTES = 256 * 1024

/** A checkpoint, as JSON (bytes). */
export const MAX_CHECKPOINT_BYTES = 1024 * 1024

/** How many times as many bytes a value may have when PostgreSQL gives it back, see {@link writtenBytes}. */
const MAX_GROWTH = 4

/** The exponent of a number, as JSON.stringify writes it. */
const EXPONENT = /\de([+-]\d{1,3})(?=[,\]}]|$)/g

/**
 * Bytes of JSON text as PostgreSQL gives it back: jsonb has no exponents, and writes the three hundred zeros of `1e-300`
 * whenever the value is read.
 */
export const writtenBytes = (text: string): number => {
  let bytes = Buffer.byteLength(text)
  for (const [, exponent] of text.matchAll(EXPONENT)) bytes += Math.abs(Number(exponent))
  return bytes
}

/** A character becomes three bytes of UTF-8 at most, and another 54 when numbers are written out: `5e-324,` is the worst. */
const MOST_BYTES = 3
const MOST_WRITTEN_BYTES = 57

/**
 * What JSON text has too much of to be stored, where `maxBytes` are allowed; null for others. Nearly all texts are so short
 * that their bytes need not be counted.
 */
export const excessOf = (text: string, maxBytes: number): { bytes: number; most: number; written: boolean } | null => {
  if (text.length * MOST_BYTES > maxBytes) {
    const bytes = Buffer.byteLength(text)
    if (bytes > maxBytes) return { bytes, most: maxBytes, written: false }
  }
  const most = MAX_GROWTH * maxBytes
  if (text.length * MOST_WRITTEN_BYTES <= most) return null
  const bytes = writtenBytes(text)
  return bytes > most ? { bytes, most, written: true } : null
}

/** Of which bytes an {@link excessOf} speaks. */
export const WRITTEN_OUT = 'bytes of JSON with its numbers written out, without exponents'

/** JSON text that PostgreSQL's jsonb refuses: escapes of NUL and of half characters. An escaped backslash begins none. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i

/**
 * A job's value as JSON text for the database.
 * @throws {PermanentError} `…_TOO_LARGE`, `…_TOO_DEEP` or `…_INVALID` (`what` in capitals), since a retry would give the same
 */
export const toStoredJson = (value: unknown, what: 'partial' | 'result' | 'checkpoint', maxBytes: number): string => {
  const code = what.toUpperCase()
  const text = stringify(value, what)
  const excess = excessOf(text, maxBytes)
  if (excess) {
    const { bytes, most, written } = excess
    throw new PermanentError(
      `${code}_TOO_LARGE`,
      `the ${what} has ${bytes} ${written ? WRITTEN_OUT : 'bytes of JSON'}, ${most} are allowed: put it into a file`,
    )
  }
  if (isTooDeep(text)) throw tooDeep(what)
  if (UNSTORABLE.test(text))
    throw new PermanentError(`${code}_INVALID`, `the ${what} holds NUL characters or lone surrogates`)
  return text
}

const stringify = (value: unknown, what: string): string => {
  try {
    const text: string | undefined = JSON.stringify(value ?? null)
    if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON`)
    return text
  } catch (cause) {
    // Deep enough, and JSON.stringify has no stack left.
    if (cause instanceof RangeError) throw tooDeep(what, cause)
    throw new PermanentError(
      `${what.toUpperCase()}_INVALID`,
      `the ${what} is not JSON: ${serializeError(cause).message}`,
      {
        cause,
      },
    )
  }
}

const tooDeep = (what: string, cause?: unknown): PermanentError =>
  new PermanentError(`${what.toUpperCase()}_TOO_DEEP`, `the ${what} is nested more than ${MAX_DEPTH} levels deep`, {
    cause,
  })

/**
 * A job's progress for the database: what is beyond 0 and 1, as sums of fractions are, is cut to it. Rounded to 32 bits, as
 * it is stored: what rounds to 0 PostgreSQL would refuse, and with it what others of the process have saved.
 */
export const toStoredProgress = (progress: number): number => Math.fround(Math.min(1, Math.max(0, progress)))
