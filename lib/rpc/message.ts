import { invalidField } from '../core/errors.ts'
import type { Fields, Idl, Struct } from './idl.ts'

/** Thrift's kinds of message. */
export const CALL = 1
export const REPLY = 2
export const EXCEPTION = 3

export interface Header {
  /** Of the method. */
  name: string
  type: number
  /** The caller's number of the call; the reply has it too. */
  sequence: number
}

/** A message whose header has been read, but not yet its struct. */
export interface Received extends Header {
  protocol: Protocol
  /** @throws {RpcError} when the rest of the message isn't such a struct */
  read(fields: Fields, idl: Idl): Struct
}

/** A way to write Thrift's messages as bytes. */
export interface Protocol {
  write(header: Header, value: Struct, fields: Fields, idl: Idl): Buffer
}

/** Thrift's own codes of what is wrong with a call itself (`TApplicationException`). */
const RPC_ERRORS = { UNKNOWN_METHOD: 1, INVALID_MESSAGE_TYPE: 2, PROTOCOL_ERROR: 7 } as const

/** Something is wrong with the call itself. The caller gets it as Thrift's `TApplicationException`. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly type: number

  constructor(code: keyof typeof RPC_ERRORS, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.type = RPC_ERRORS[code]
  }
}

/** How deep values may be nested: they are read recursively. */
export const MAX_DEPTH = 32
/** The longest name of a method that is read. */
export const MAX_NAME = 64

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8, without replacing what is malformed. @throws {RpcError} if the bytes aren't UTF-8 */
export const readText = (bytes: Uint8Array, path: string): string => {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw malformed(`${path}: expected UTF-8`, error)
  }
}

/** Text that can be stored. @throws {StintError} VALIDATION_FAILED */
export const storable = (text: string, path: string): string => {
  if (text.includes('\0')) throw invalidField(path, 'text may not hold NUL characters')
  return text
}

export const malformed = (message: string, cause?: unknown): RpcError =>
  new RpcError('PROTOCOL_ERROR', message, { cause })
