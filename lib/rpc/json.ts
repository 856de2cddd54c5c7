import { parseJson } from '../core/parse-json.ts'
import { type Fields, fieldsOf, type Idl, itemOf, type Struct } from './idl.ts'
import { MAX_NAME, malformed, type Protocol, type Received, readText, storable } from './message.ts'

// TJSONProtocol, which has no specification but its implementations.

const VERSION = 1
const CODES: Record<string, string> = { bool: 'tf', i32: 'i32', i64: 'i64', double: 'dbl', string: 'str' }
/** Numbers that JSON doesn't have. */
const NO_NUMBERS: Record<string, number> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

/**
 * Apache's clients for Node and Python write control characters into strings unescaped, which isn't JSON. Outside of strings
 * they are errors, escaped or not.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\v\f\x0e-\x1f]/g
const asEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Reads a message's header. `read` reads its struct, once it is known which one it should be. @throws {RpcError} */
export const readJson = (bytes: Buffer): Received => {
  const message = parseJson(readText(bytes, 'the message').replaceAll(CONTROLS, asEscape))
  if (!Array.isArray(message) || message.length !== 5) throw malformed('expected [1, name, type, sequence, struct]')
  const [version, name, type, sequence, struct] = message as unknown[]
  if (version !== VERSION) throw malformed('expected version 1 of the JSON protocol')
  if (typeof name !== 'string' || name.length > MAX_NAME)
    throw malformed(`name: expected at most ${MAX_NAME} characters`)
  return {
    name,
    type: readInteger(type, 'type', 2 ** 31),
    sequence: readInteger(sequence, 'sequence', 2 ** 31),
    protocol: json,
    read: (fields, idl) => readStruct(struct, fields, idl, ''),
  }
}

/** `{"1":{"str":"math.pi"}}` */
const readStruct = (given: unknown, fields: Fields, idl: Idl, path: string): Struct => {
  if (!isObject(given)) throw malformed(`${path || 'the message'}: expected a struct`)
  const struct: Struct = {}
  for (const [name, [id, type]] of Object.entries(fields)) {
    const field = Object.hasOwn(given, id) ? given[id] : undefined
    // Fields that have changed their type are skipped, so that IDLs can change.
    if (!isObject(field) || !Object.hasOwn(field, codeOf(type))) continue
    struct[name] = readValue(field[codeOf(type)], type, idl, path ? `${path}.${name}` : name)
  }
  return struct
}

/** No type contains itself, so this recurses no deeper than the IDL. */
const readValue = (given: unknown, type: string, idl: Idl, path: string): unknown => {
  const item = itemOf(type)
  if (item) return readList(given, item, idl, path)
  switch (type) {
    case 'bool':
      return readInteger(given, path, 2) === 1
    case 'i32':
      return readInteger(given, path, 2 ** 31)
    case 'i64':
      return readInteger(given, path, 2 ** 53)
    case 'double':
      return readDouble(given, path)
    case 'string':
      if (typeof given === 'string' && given.isWellFormed()) return storable(given, path)
      throw malformed(`${path}: expected text`)
    default:
      return readStruct(given, fieldsOf(idl, type), idl, path)
  }
}

/** `["str",2,"a","b"]` */
const readList = (given: unknown, item: string, idl: Idl, path: string): unknown[] => {
  if (!Array.isArray(given)) throw malformed(`${path}: expected a list`)
  const [code, size, ...items] = given as unknown[]
  if (size !== items.length) throw malformed(`${path}: ${size} items can't be in this message`)
  if (code !== codeOf(item) && items.length > 0) throw malformed(`${path}: expected a list of ${item}`)
  return items.map((it, index) => readValue(it, item, idl, `${path}[${index}]`))
}

const readInteger = (given: unknown, path: string, below: number): number => {
  if (Number.isSafeInteger(given) && (given as number) >= -below && (given as number) < below) return given as number
  throw malformed(`${path}: expected an integer`)
}

const readDouble = (given: unknown, path: string): number => {
  const value = typeof given === 'string' ? NO_NUMBERS[given] : given
  if (typeof value === 'number') return value
  throw malformed(`${path}: expected a number`)
}

export const json: Protocol = {
  write: ({ name, type, sequence }, value, fields, idl) =>
    Buffer.from(JSON.stringify([VERSION, name, type, sequence, toStruct(value, fields, idl)])),
}

const toStruct = (struct: Struct, fields: Fields, idl: Idl): object =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, [id, type]]) => {
      const value = struct[name]
      return value === undefined ? [] : [[id, { [codeOf(type)]: toValue(value, type, idl) }]]
    }),
  )

const toValue = (value: unknown, type: string, idl: Idl): unknown => {
  const item = itemOf(type)
  if (item) return [codeOf(item), (value as []).length, ...(value as unknown[]).map((it) => toValue(it, item, idl))]
  if (type === 'bool') return value ? 1 : 0
  if (type === 'double') return Number.isFinite(value) ? value : String(value)
  return type in CODES ? value : toStruct(value as Struct, fieldsOf(idl, type), idl)
}

const codeOf = (type: string): string => (itemOf(type) ? 'lst' : (CODES[type] ?? 'rec'))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
