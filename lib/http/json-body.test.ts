import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StintError } from '../core/errors.ts'
import { parseExactly, readJsonBody } from './json-body.ts'

const event = (body: string | undefined, options: { type?: string | undefined; base64?: boolean } = {}) =>
  ({
    headers: 'type' in options ? { 'content-type': options.type } : { 'content-type': 'application/json' },
    body,
    isBase64Encoded: options.base64 ?? false,
  }) as unknown as APIGatewayProxyEventV2

const refusal = (work: () => unknown): StintError => {
  try {
    work()
  } catch (error) {
    if (error instanceof StintError) return error
    throw error
  }
  throw new Error('it was accepted')
}
const fieldsOf = (text: string) => refusal(() => parseExactly(text)).errors?.map(({ path }) => path)

describe('a JSON body', () => {
  test.for(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/merge-patch+json'])(
    'is read when it comes as %s',
    (type) => {
      expect(readJsonBody(event('{"a":1}', { type }), 100)).toEqual({ a: 1 })
    },
  )

  test.for([undefined, '', 'text/plain', 'application/jsonp', 'text/json', 'application/x-www-form-urlencoded'])(
    'is refused with 415 when it comes as %s',
    (type) => {
      expect(refusal(() => readJsonBody(event('{}', { type }), 100)).code).toBe('UNSUPPORTED_MEDIA_TYPE')
    },
  )

  test.for([
    undefined,
    '',
    '{',
    '{"a":}',
    "{'a':1}",
    'nul',
    '\uFEFF{}',
    '{"a":1}x',
    '{"a":01}',
    '{"a":"\u0001"}',
    '[1,]',
  ])('is refused with 400 when it is %j', (body) => {
    expect(refusal(() => readJsonBody(event(body), 100)).code).toBe('MALFORMED_JSON')
  })

  test('is read from base64, as the gateway sends it', () => {
    const body = Buffer.from('{"a":"ü"}').toString('base64')
    expect(readJsonBody(event(body, { base64: true }), 100)).toEqual({ a: 'ü' })
  })

  test('is refused when its bytes are not UTF-8', () => {
    const body = Buffer.from([0x22, 0xff, 0xfe, 0x22]).toString('base64')
    expect(refusal(() => readJsonBody(event(body, { base64: true }), 100)).code).toBe('MALFORMED_JSON')
  })

  test('may be nested 200 levels deep, and not one more', () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}"\\u0000"${'}'.repeat(levels)}`
    expect(refusal(() => parseExactly(nested(200))).code).toBe('VALIDATION_FAILED')
    for (const levels of [201, 3_000, 100_000]) {
      const { code, message } = refusal(() => parseExactly(nested(levels)))
      expect([code, message]).toEqual(['MALFORMED_JSON', 'The body is nested more than 200 levels deep.'])
    }
  })

  test('is measured in bytes, not in characters', () => {
    const body = JSON.stringify('ü'.repeat(10))
    expect(readJsonBody(event(body), 22)).toBe('ü'.repeat(10))
    expect(refusal(() => readJsonBody(event(body), 21)).code).toBe('PAYLOAD_TOO_LARGE')
  })

  test('is refused for its size before it is parsed', () => {
    expect(refusal(() => readJsonBody(event(`[${'x'.repeat(200)}`), 100)).code).toBe('PAYLOAD_TOO_LARGE')
  })
})

describe('what JSON.parse would bend', () => {
  test.for([
    ['{"a":9007199254740992}', ['a']],
    ['{"a":-9007199254740992}', ['a']],
    ['{"a":[1,12345678901234567890]}', ['a[1]']],
    ['{"a":1e400}', ['a']],
    ['{"a":-1e400}', ['a']],
    ['{"a":1E+400}', ['a']],
    ['{"a":123456789012.3456e5}', ['a']],
    ['{"a":1e21}', ['a']],
    ['12345678901234567890', ['']],
  ] as const)('%s is refused, and its field named', ([text, paths]) => {
    expect(fieldsOf(text)).toEqual(paths)
  })

  test.for([
    '9007199254740991',
    '-9007199254740991',
    '0.1234567890123456789',
    '1e3',
    '1e-400',
    '"12345678901234567890"',
  ])('%s is taken as it stands', (text) => {
    expect(parseExactly(text)).toBe(JSON.parse(text))
  })

  test('no integer that JSON.parse would have to round comes through, however it is written', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(
        digits,
        digits,
        fc.integer({ min: 0, max: 30 }),
        fc.constantFrom('e', 'E', 'e+'),
        (a, b, power, e) => {
          const text = `[1${a}.${b}${e}${power}]`
          const [value] = JSON.parse(text)
          if (Number.isInteger(value) && !Number.isSafeInteger(value)) expect(fieldsOf(text)).toEqual(['[0]'])
          else expect(parseExactly(text)).toEqual([value])
        },
      ),
    )
  })
})

describe('what Postgres would refuse', () => {
  test.for([
    ['{"a":"x\\u0000y"}', ['a']],
    ['{"a":{"b":["\\ud800"]}}', ['a.b[0]']],
    ['{"a":"\\udc00\\ud800"}', ['a']],
    ['{"a":"\\uDFFF"}', ['a']],
    ['{"a\\u0000":1}', ['a\uFFFD']],
    ['{"\\ud800":1}', ['\uFFFD']],
    ['{"a":"\\u0000","b":"\\ud800","c":"fine"}', ['a', 'b']],
  ] as const)('%s is refused, and its field named', ([text, paths]) => {
    expect(fieldsOf(text)).toEqual(paths)
  })

  test('a lone surrogate is refused also when it stands there unescaped', () => {
    expect(fieldsOf(`{"a":"${'\ud800'}"}`)).toEqual(['a'])
  })

  test('a pair of surrogates is a character like others', () => {
    expect(parseExactly('{"a":"\\ud83d\\ude00"}')).toEqual({ a: '😀' })
  })
})

test('__proto__ is refused by name, nested too, and pollutes nothing', () => {
  expect(fieldsOf('{"a":{"__proto__":{"isAdmin":true}}}')).toEqual(['a.__proto__'])
  expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
})

test('__proto__ is refused also when its letters are written as escapes', () => {
  const letters = [...'__proto__'].map((letter) =>
    ((code) => fc.constantFrom(letter, `\\u00${code}`, `\\u00${code.toUpperCase()}`))(
      letter.charCodeAt(0).toString(16),
    ),
  )
  fc.assert(
    fc.property(fc.tuple(...letters), fc.constantFrom('', ' ', '\n'), (name, space) => {
      expect(fieldsOf(`{"a":{"${name.join('')}"${space}:1}}`)).toEqual(['a.__proto__'])
    }),
  )
  expect(parseExactly('{"a":"\\u005f_proto__"}')).toEqual({ a: '__proto__' })
})

test('every value that JSON can hold exactly comes through unchanged', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((it) => !it.includes('\0'))
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('json')),
      fc.dictionary(
        text.filter((key) => key !== '__proto__'),
        tie('json'),
      ),
    ),
  }))
  fc.assert(
    fc.property(json, (value) => {
      const body = JSON.stringify(value)
      expect(parseExactly(body)).toEqual(JSON.parse(body))
    }),
  )
})
