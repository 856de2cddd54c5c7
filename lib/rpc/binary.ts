import { Cursor } from './cursor.ts'
import { type Fields, fieldsOf, type Idl, itemOf, type Struct } from './idl.ts'
import { type Header, MAX_DEPTH, MAX_NAME, malformed, type Protocol, type Received } from './message.ts'

// TBinaryProtocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md
//
// The codec of the npm package `thrift` trusts the sizes in a message: for a list of 2^31 items that aren't there, it looks for
// each of them.

const STOP = 0
const TYPES = {
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
}
const UUID = 16
/** The sizes of types whose values all have the same, in bytes. */
const WIDTHS: Record<number, number> = {
  [TYPES.bool]: 1,
  [TYPES.byte]: 1,
  [TYPES.double]: 8,
  [TYPES.i16]: 2,
  [TYPES.i32]: 4,
  [TYPES.i64]: 8,
  [UUID]: 16,
}

const VERSION_MASK = 0xffff_0000
const VERSION_1 = 0x8001_0000

/** Reads a message's header. `read` reads its struct, once it is known which one it should be. @throws {RpcError} */
export const readBinary = (bytes: Buffer): Received => {
  const cursor = new Cursor(bytes)
  return {
    ...readHeader(cursor),
    protocol: binary,
    read: (fields, idl) => {
      const struct = readStruct(cursor, fields, idl, '', 0)
      cursor.end()
      return struct
    },
  }
}

/** With a version in front, or without, as old clients send it. */
const readHeader = (cursor: Cursor): Header => {
  const first = cursor.i32()
  if (first >= 0) return { name: cursor.text(first, 'name', MAX_NAME), type: cursor.u8(), sequence: cursor.i32() }
  if ((first & VERSION_MASK) >>> 0 !== VERSION_1) throw malformed('expected version 1 of the binary protocol')
  return { type: first & 0xff, name: cursor.text(cursor.i32(), 'name', MAX_NAME), sequence: cursor.i32() }
}

const readStruct = (cursor: Cursor, fields: Fields, idl: Idl, path: string, depth: number): Struct => {
  const byId = new Map(Object.entries(fields).map(([name, [id, type]]) => [id, { name, type }]))
  const struct: Struct = {}
  for (let wire = cursor.u8(); wire !== STOP; wire = cursor.u8()) {
    const field = byId.get(cursor.i16())
    // Unknown fields, and those that have changed their type, are skipped, so that IDLs can change.
    if (!field || wire !== wireType(field.type)) skip(cursor, wire, depth + 1)
    else struct[field.name] = readValue(cursor, field.type, idl, path ? `${path}.${field.name}` : field.name, depth + 1)
  }
  return struct
}

const readValue = (cursor: Cursor, type: string, idl: Idl, path: string, depth: number): unknown => {
  if (depth > MAX_DEPTH) throw malformed(`${path} is nested deeper than ${MAX_DEPTH}`)
  const item = itemOf(type)
  if (item) return readList(cursor, item, idl, path, depth)
  switch (type) {
    case 'bool':
      return cursor.u8() !== 0
    case 'i32':
      return cursor.i32()
    case 'i64':
      return cursor.i64(path)
    case 'double':
      return cursor.double()
    case 'string':
      return cursor.text(cursor.i32(), path)
    default:
      return readStruct(cursor, fieldsOf(idl, type), idl, path, depth)
  }
}

const readList = (cursor: Cursor, item: string, idl: Idl, path: string, depth: number): unknown[] => {
  const wire = cursor.u8()
  const size = cursor.size(path)
  if (wire !== wireType(item) && size > 0) throw malformed(`${path}: expected a list of ${item}`)
  return Array.from({ length: size }, (_, index) => readValue(cursor, item, idl, `${path}[${index}]`, depth + 1))
}

const skip = (cursor: Cursor, wire: number, depth: number): void => {
  if (depth > MAX_DEPTH) throw malformed(`the message is nested deeper than ${MAX_DEPTH}`)
  const width = WIDTHS[wire]
  if (width !== undefined) cursor.skip(width)
  else if (wire === TYPES.string) cursor.skip(cursor.i32())
  else if (wire === TYPES.struct) skipFields(cursor, depth)
  else if (wire === TYPES.map) skipItems(cursor, [cursor.u8(), cursor.u8()], depth)
  else if (wire === TYPES.list || wire === TYPES.set) skipItems(cursor, [cursor.u8()], depth)
  else throw malformed(`there is no type ${wire}`)
}

const skipFields = (cursor: Cursor, depth: number): void => {
  for (let wire = cursor.u8(); wire !== STOP; wire = cursor.u8()) {
    cursor.skip(2)
    skip(cursor, wire, depth + 1)
  }
}

const skipItems = (cursor: Cursor, types: number[], depth: number): void => {
  for (let left = cursor.size('a collection'); left > 0; left--) {
    for (const wire of types) skip(cursor, wire, depth + 1)
  }
}

const wireType = (type: string): number => {
  if (itemOf(type)) return TYPES.list
  return TYPES[type as keyof typeof TYPES] ?? TYPES.struct
}

export const binary: Protocol = {
  write: ({ name, type, sequence }, value, fields, idl) => {
    const parts = [int32(VERSION_1 | type), ...text(name), int32(sequence)]
    writeStruct(parts, value, fields, idl)
    return Buffer.concat(parts)
  },
}

const writeStruct = (parts: Buffer[], struct: Struct, fields: Fields, idl: Idl): void => {
  for (const [name, [id, type]] of Object.entries(fields)) {
    const value = struct[name]
    if (value === undefined) continue
    parts.push(Buffer.from([wireType(type), id >> 8, id & 0xff]))
    writeValue(parts, value, type, idl)
  }
  parts.push(Buffer.from([STOP]))
}

const writeValue = (parts: Buffer[], value: unknown, type: string, idl: Idl): void => {
  const item = itemOf(type)
  if (item) {
    const items = value as unknown[]
    parts.push(Buffer.from([wireType(item)]), int32(items.length))
    for (const it of items) writeValue(parts, it, item, idl)
    return
  }
  if (type === 'bool') parts.push(Buffer.from([value ? 1 : 0]))
  else if (type === 'i32') parts.push(int32(value as number))
  else if (type === 'i64') parts.push(wide((it) => it.writeBigInt64BE(BigInt(value as number))))
  else if (type === 'double') parts.push(wide((it) => it.writeDoubleBE(value as number)))
  else if (type === 'string') parts.push(...text(value as string))
  else writeStruct(parts, value as Struct, fieldsOf(idl, type), idl)
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}
const wide = (write: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.alloc(8)
  write(bytes)
  return bytes
}
const text = (value: string): [Buffer, Buffer] => {
  const bytes = Buffer.from(value)
  return [int32(bytes.length), bytes]
}
