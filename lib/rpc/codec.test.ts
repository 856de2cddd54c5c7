import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { binary } from './binary.ts'
import { readArguments, readMessage, writeResult, writeRpcError, writeThrown } from './call.ts'
import type { Idl, Struct } from './idl.ts'
import { json } from './json.ts'
import { CALL, REPLY, RpcError } from './message.ts'

const idl: Idl = {
  enums: {},
  structs: {
    Place: { city: [1, 'string', 'required'], floor: [2, 'i32', 'optional'] },
    Thing: {
      name: [1, 'string', 'required'],
      isNew: [2, 'bool', 'optional'],
      weight: [3, 'double', 'optional'],
      bytes: [4, 'i64', 'optional'],
      tags: [5, 'list<string>', 'optional'],
      places: [300, 'list<Place>', 'optional'],
      at: [7, 'Place', 'optional'],
    },
    Refusal: { code: [1, 'string', 'required'] },
  },
  methods: { keep: { takes: { thing: [1, 'Thing', 'required'] }, gives: 'Thing', throws: 'Refusal' } },
}
const { takes } = idl.methods['keep'] ?? expect.unreachable()

const protocols = { binary, json }
const PROTOCOLS = Object.entries(protocols)

const call = (protocol: typeof binary, thing: Struct, name = 'keep'): Buffer =>
  protocol.write({ name, type: CALL, sequence: 7 }, { thing }, takes, idl)

const text = fc.string({ unit: 'grapheme' }).filter((it) => !it.includes('\0'))
const i32 = fc.integer()
const place = fc.record({ city: text, floor: i32 }, { requiredKeys: ['city'] })
const thing = fc.record(
  {
    name: text,
    isNew: fc.boolean(),
    // JSON has no −0.
    weight: fc.double().map((it) => it + 0),
    bytes: fc.maxSafeInteger(),
    tags: fc.array(text),
    places: fc.array(place),
    at: place,
  },
  { requiredKeys: ['name'] },
)

describe.for(PROTOCOLS)('in the %s protocol', ([, protocol]) => {
  test('every value comes through as it was', () => {
    fc.assert(
      fc.property(thing, (given) => {
        const received = readMessage(call(protocol, given))
        expect(received).toMatchObject({ name: 'keep', type: CALL, sequence: 7 })
        expect(readArguments(received, idl)).toEqual({ thing: { ...given } })
      }),
    )
  })

  test('an answer comes in the protocol of its call, with its number', () => {
    const received = readMessage(call(protocol, { name: 'lamp' }))
    const result = readMessage(writeResult(received, idl, { name: 'lamp', tags: ['\u0001"\\'] }))
    expect(result).toMatchObject({ name: 'keep', type: REPLY, sequence: 7, protocol })
    expect(result.read({ success: [0, 'Thing', 'optional'] }, idl)).toEqual({
      success: { name: 'lamp', tags: ['\u0001"\\'] },
    })
    const thrown = readMessage(writeThrown(received, idl, { code: 'GONE' }))
    expect(thrown.read({ refusal: [1, 'Refusal', 'optional'] }, idl)).toEqual({ refusal: { code: 'GONE' } })
    const error = readMessage(writeRpcError(received, idl, new RpcError('UNKNOWN_METHOD', 'none')))
    expect(error).toMatchObject({ type: 3, sequence: 7 })
    expect(error.read({ type: [2, 'i32', 'optional'] }, idl)).toEqual({ type: 1 })
  })

  test('what the reader does not know is passed over, and so is what is of another type', () => {
    const newer: Idl = {
      ...idl,
      structs: {
        ...idl.structs,
        Thing: {
          name: [1, 'string', 'required'],
          isNew: [2, 'string', 'optional'],
          more: [90, 'list<Place>', 'optional'],
          deeper: [91, 'Place', 'optional'],
          number: [92, 'double', 'optional'],
        },
      },
    }
    const given = { name: 'lamp', isNew: 'yes', more: [{ city: 'Bonn' }], deeper: { city: 'Ulm', floor: 1 }, number: 1 }
    const bytes = protocol.write({ name: 'keep', type: CALL, sequence: 1 }, { thing: given }, takes, newer)
    expect(readArguments(readMessage(bytes), idl)).toEqual({ thing: { name: 'lamp' } })
  })

  test('a method that is not there, and a message that is no call, are told apart', () => {
    expect(() => readArguments(readMessage(call(protocol, { name: 'x' }, 'lose')), idl)).toThrow('no method lose')
    expect(() => readArguments(readMessage(call(protocol, { name: 'x' }, 'toString')), idl)).toThrow('no method')
    const reply = protocol.write({ name: 'keep', type: REPLY, sequence: 1 }, {}, takes, idl)
    expect(() => readArguments(readMessage(reply), idl)).toThrow('expected a call')
  })

  test('text with NUL is refused by the name of its field', () => {
    expect(() => readArguments(readMessage(call(protocol, { name: 'x', at: { city: 'a\0' } })), idl)).toThrow(
      /^thing\.at\.city: text may not hold NUL/,
    )
  })

  test('a message that is cut off anywhere, or has a byte changed, is read or refused, and nothing else', () => {
    const whole = call(protocol, { name: 'lamp', tags: ['a', 'b'], places: [{ city: 'Bonn' }], at: { city: 'Ulm' } })
    const tryToRead = (bytes: Buffer): void => {
      try {
        readArguments(readMessage(bytes), idl)
      } catch (error) {
        expect(error).toBeInstanceOf(error instanceof RpcError ? RpcError : Error)
        expect((error as Error).name).toMatch(/^(RpcError|StintError)$/)
      }
    }
    for (let length = 0; length < whole.length; length++) {
      expect(() => readArguments(readMessage(whole.subarray(0, length)), idl)).toThrow(RpcError)
    }
    for (let at = 0; at < whole.length; at++) {
      for (const byte of [0, 1, 0x5b, 0x7f, 0x80, 0xff])
        tryToRead(Buffer.from(whole.map((it, i) => (i === at ? byte : it))))
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => tryToRead(Buffer.from(bytes))))
  })
})

describe('hostile bytes are refused before anything is made of them', () => {
  const header = Buffer.concat([
    Buffer.from([0x80, 1, 0, CALL]),
    Buffer.from([0, 0, 0, 4]),
    Buffer.from('keep'),
    Buffer.from([0, 0, 0, 7]),
  ])
  const [STRING, STRUCT, MAP, SET, LIST] = [11, 12, 13, 14, 15]
  const field = (type: number, id: number, ...rest: (number[] | Buffer)[]) =>
    Buffer.concat([Buffer.from([type, id >> 8, id & 0xff]), ...rest.map((it) => Buffer.from(it))])
  const inThing = (...fields: Buffer[]) => Buffer.concat([header, field(STRUCT, 1), ...fields])
  const HUGE = [0x7f, 0xff, 0xff, 0xff]
  const NEGATIVE = [0xff, 0xff, 0xff, 0xff]
  const nested = (prefix: number[], times: number) =>
    Buffer.concat(Array.from({ length: times }, () => Buffer.from(prefix)))
  const name = (length: number[]) => Buffer.concat([header.subarray(0, 4), Buffer.from(length), Buffer.from('keep')])
  const asJson = (struct: string, before = '[1,"keep",1,7,') => Buffer.from(`${before}${struct}]`)

  test.for<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a byte', Buffer.from([0x80])],
    ['a version that is none', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])],
    ['a name of 2^31 bytes', name(HUGE)],
    ['a name of -1 bytes', name(NEGATIVE)],
    ['an old header with a name of 2^31 bytes', Buffer.from([...HUGE, 0x61])],
    ['text of 2^31 bytes', inThing(field(STRING, 1, HUGE))],
    ['text of -1 bytes', inThing(field(STRING, 1, NEGATIVE))],
    ['text of -1 bytes that nobody asked for', inThing(field(STRING, 99, NEGATIVE))],
    ['text that is no UTF-8', inThing(field(STRING, 1, [0, 0, 0, 1, 0xff]))],
    ['JSON that is no UTF-8', Buffer.from('[1,"keep",1,7,{"1":{"rec":{"1":{"str":"\xe9"}}}}]', 'latin1')],
    ['a list of 2^31 texts', inThing(field(LIST, 5, [STRING, ...HUGE]))],
    ['a list of -1 texts', inThing(field(LIST, 5, [STRING, ...NEGATIVE]))],
    ['a list of 2^31 that nobody asked for', inThing(field(LIST, 99, [STRING, ...HUGE]))],
    ['a list of nothings', inThing(field(LIST, 99, [0, 0, 0, 0, 2, 0, 0]))],
    ['a list of another type', inThing(field(LIST, 5, [8, 0, 0, 0, 1, 0, 0, 0, 1]))],
    ['a set of 2^31', inThing(field(SET, 99, [STRING, ...HUGE]))],
    ['a map of 2^31', inThing(field(MAP, 99, [STRING, STRING, ...HUGE]))],
    ['a type that is none', inThing(field(1, 99))],
    ['structs in structs', inThing(nested([STRUCT, 0, 99], 300_000))],
    ['lists in lists', inThing(field(LIST, 99), nested([LIST, 0, 0, 0, 1], 200_000))],
    ['bytes behind it', Buffer.concat([call(binary, { name: 'x' }), Buffer.from([0])])],
    ['JSON that is none', Buffer.from('[1,')],
    ['JSON of something else', Buffer.from('[]')],
    ['a JSON version that is none', asJson('{}', '[2,"keep",1,7,')],
    ['a JSON name that is long', asJson('{}', `[1,"${'k'.repeat(65)}",1,7,`)],
    ['a JSON number that is none', asJson('{}', '[1,"keep",1,"7",')],
    ['a JSON struct that is none', asJson('[]')],
    ['a JSON list that claims 2^31 items', asJson('{"1":{"rec":{"5":{"lst":["str",2147483647,"a"]}}}}')],
    ['a JSON list that claims -1 items', asJson('{"1":{"rec":{"5":{"lst":["str",-1]}}}}')],
    ['a JSON list of another type', asJson('{"1":{"rec":{"5":{"lst":["i32",1,1]}}}}')],
    ['JSON text that is none', asJson('{"1":{"rec":{"1":{"str":1}}}}')],
    ['a JSON integer that is large', asJson('{"1":{"rec":{"7":{"rec":{"2":{"i32":2147483648}}}}}}')],
    ['a JSON integer that is broken', asJson('{"1":{"rec":{"7":{"rec":{"2":{"i32":1.5}}}}}}')],
    ['a lone surrogate', asJson('{"1":{"rec":{"1":{"str":"\\ud800"}}}}')],
    ['deep JSON', Buffer.from('['.repeat(1_000_000))],
    ['deep JSON in a name’s place', Buffer.from(`[1,${'['.repeat(100_000)}${']'.repeat(100_000)},1,7,{}]`)],
  ])('%s', ([, bytes]) => {
    expect(() => readArguments(readMessage(bytes), idl)).toThrow(RpcError)
  })

  test('control characters that clients write as they are come through, and elsewhere than in text are refused', () => {
    const read = (text: string) => readArguments(readMessage(Buffer.from(text)), idl)
    expect(read('[1,"keep",1,7,{"1":{"rec":{"1":{"str":"a\u0001\u001fb"}}}}]')).toEqual({
      thing: { name: 'a\u0001\u001fb' },
    })
    expect(() => read('[1,"keep",1,7,{"1":{"rec":{"1":\u0001{"str":"a"}}}}]')).toThrow(RpcError)
    expect(() => read('[1,"keep",1,7,{"1":{"rec":{"1":{"str":"a\u0000"}}}}]')).toThrow(/^thing\.name: /)
  })

  test.for([
    ['a list', LIST, [STRING]],
    ['a set', SET, [STRING]],
    ['a map', MAP, [STRING, STRING]],
  ] as const)('%s of more items than there are bytes is refused for its size', ([, type, items]) => {
    for (const size of [HUGE, NEGATIVE, [0, 0, 0, 2]]) {
      const bytes = inThing(field(type, 99, [...items, ...size, 0]))
      expect(() => readArguments(readMessage(bytes), idl)).toThrow(/ items can't be in this message$/)
    }
  })

  test('deep JSON in a field that nobody asked for is passed over', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const bytes = asJson(`{"1":{"rec":{"1":{"str":"lamp"},"99":{"lst":${deep}},"__proto__":{"str":"x"}}}}`)
    expect(readArguments(readMessage(bytes), idl)).toEqual({ thing: { name: 'lamp' } })
  })
})
