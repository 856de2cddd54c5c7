import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { z } from 'zod'
import { FieldErrors, StintError } from '../core/errors.ts'
import { isTooDeep, MAX_DEPTH } from '../core/json-depth.ts'

const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i

/**
 * A cheap test for text that might have a value that JSON.parse would change or Postgres would refuse. It looks for numbers
 * only where JSON has them, after a colon, bracket, comma or space, since UUIDs in strings are full of `1e8`. The letters of
 * `__proto__` may be escapes.
 */
const SUSPICIOUS =
  /\\u0000|\\u[dD][89a-fA-F]|(?:^|[:[,\s])-?(?:\d{16}|\d[\d.]*[eE]\+?\d)|"__proto__"|\\u00(?:5[fF]|7[024]|6[fF])/

/** Stands in a parsed body where a value cannot be taken. */
class Unfit {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/**
 * The request's JSON body, read exactly: integers past ±(2^53 − 1), numbers that overflow, NUL characters and lone
 * surrogates are refused by name instead of being rounded, or passed on to break the database. (@middy/http-json-body-parser
 * revives every value of every body and drops the source text that this needs.)
 *
 * @throws {StintError} UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, MALFORMED_JSON, VALIDATION_FAILED
 */
export const readJsonBody = (event: APIGatewayProxyEventV2, maxBytes: number): unknown => {
  const type = event.headers['content-type']
  if (!type || !JSON_TYPE.test(type)) {
    throw new StintError('UNSUPPORTED_MEDIA_TYPE', `Expected content-type application/json, got ${type ?? 'none'}.`)
  }
  const text = decode(event)
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
    throw new StintError('PAYLOAD_TOO_LARGE', `A JSON body may have ${maxBytes} bytes.`)
  }
  return parseExactly(text)
}

/** A POST whose fields are all optional, such as a retry, may have no body. A change without a body is a mistake. */
export const mayBeLeftOut = (method: string, body: z.ZodType): boolean =>
  method === 'POST' && body.safeParse({}).success

/** JSON.parse that refuses what it would have to change. Exported for tests. */
export const parseExactly = (text: string): unknown => {
  if (isTooDeep(text)) throw new StintError('MALFORMED_JSON', `The body is nested more than ${MAX_DEPTH} levels deep.`)
  try {
    if (text.isWellFormed() && !SUSPICIOUS.test(text)) return JSON.parse(text)
    const parsed: unknown = JSON.parse(text, markUnfit as Parameters<typeof JSON.parse>[1])
    const errors = new FieldErrors()
    collectUnfit(parsed, [], errors)
    if (errors.count > 0) {
      const detail = `The body has values that cannot be stored exactly.${errors.more}`
      throw new StintError('VALIDATION_FAILED', detail, { errors: errors.list })
    }
    return parsed
  } catch (error) {
    if (error instanceof SyntaxError) throw new StintError('MALFORMED_JSON', error.message, { cause: error })
    throw error
  }
}

const decode = (event: APIGatewayProxyEventV2): string => {
  if (event.body === undefined || event.body === '')
    throw new StintError('MALFORMED_JSON', 'Expected a JSON body, got none.')
  if (!event.isBase64Encoded) return event.body
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(event.body, 'base64'))
  } catch (cause) {
    throw new StintError('MALFORMED_JSON', 'The body is not valid UTF-8.', { cause })
  }
}

const markUnfit = (key: string, value: unknown): unknown => {
  if (key === '__proto__') return new Unfit('this name is not allowed')
  if (key.includes('\0') || !key.isWellFormed()) return new Unfit('field names may not hold NUL or lone surrogates')
  if (typeof value === 'string') {
    if (value.includes('\0')) return new Unfit('text may not hold NUL characters')
    if (!value.isWellFormed()) return new Unfit('text may not hold lone surrogates')
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return new Unfit('the number is too large')
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return new Unfit('expected an integer between -9007199254740991 and 9007199254740991')
    }
  }
  return value
}

const collectUnfit = (value: unknown, path: PropertyKey[], errors: FieldErrors): void => {
  if (value instanceof Unfit) {
    errors.add(path, value.message)
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collectUnder(index, item, path, errors)
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value))
      collectUnder(key.replaceAll('\0', '\uFFFD').toWellFormed(), (value as Record<string, unknown>)[key], path, errors)
  }
}

const collectUnder = (key: PropertyKey, value: unknown, path: PropertyKey[], errors: FieldErrors): void => {
  path.push(key)
  collectUnfit(value, path, errors)
  path.pop()
}
