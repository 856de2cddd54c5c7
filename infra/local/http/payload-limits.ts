import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { StintError } from '../../../lib/core/errors.ts'

/** What a Lambda function can be called with, and what it can give back: 6 MB of JSON. */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
/** A smaller body fits into an event, even if JSON escapes each of its characters. */
const SURELY_SMALL_BYTES = MAX_PAYLOAD_BYTES / 6 - 64 * 1024

/** @throws {StintError} PAYLOAD_TOO_LARGE */
export const refuseLargeEvent = (event: APIGatewayProxyEventV2, body: Buffer): void => {
  if (body.length <= SURELY_SMALL_BYTES) return
  const { body: text, ...rest } = event
  const size = Buffer.byteLength(JSON.stringify(rest)) + (event.isBase64Encoded ? (text?.length ?? 0) : jsonSize(body))
  if (size + NAME_OF_BODY_BYTES <= MAX_PAYLOAD_BYTES) return
  throw new StintError('PAYLOAD_TOO_LARGE', `The request makes an event of more than ${MAX_PAYLOAD_BYTES} bytes.`)
}

/** `,"body":""`, without what stands between the quotes. */
const NAME_OF_BODY_BYTES = 10

/** The bytes of a text as JSON, without the quotes: measured where it lies, since a copy of a megabyte takes milliseconds. */
const jsonSize = (text: Buffer): number => {
  let size = text.length
  for (let at = 0; at < text.length; at++) size += ESCAPES[text[at] as number] as number
  return size
}

/** How many bytes JSON adds to each: `\u00XX` for control characters, one for those that have a short escape. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => JSON.stringify(String.fromCharCode(byte)).length - 3)

/** @throws when a function's answer is too large: that is the function's failure */
export const refuseLargeResult = (result: APIGatewayProxyStructuredResultV2): APIGatewayProxyStructuredResultV2 => {
  const length = result.body?.length ?? 0
  if (length <= SURELY_SMALL_BYTES || Buffer.byteLength(JSON.stringify(result)) <= MAX_PAYLOAD_BYTES) return result
  throw new Error(`a function's answer is larger than ${MAX_PAYLOAD_BYTES} bytes`)
}
