import { describe, expect } from 'vitest'
import { z } from 'zod'
import { kinds } from '../../functions/jobs/index.ts'
import { newId } from '../../lib/core/ids.ts'
import { exampleOf } from '../../lib/http/openapi-example.ts'
import { MAX_BODY_BYTES } from '../../lib/http/route.ts'
import { FORGERIES, genuine, sign } from '../support/forged-tokens.ts'
import type { Answer } from '../support/http-client.ts'
import { type Person, test, type World } from '../support/world.ts'
import {
  belongingsOf,
  type Call,
  callRoute,
  type DeclaredRoute,
  declared,
  SHARED,
  stateOf,
  withoutIds,
} from './declared-routes.ts'

/** What a route is to answer to a call: the status, the code, and the field that it names. */
type Refusal = [what: string, call: Call, status: number, code: string, field?: string]

/** Makes every call, and expects that each is refused as told, as a problem document, and that nothing was written. */
const expectRefusals = async (world: World, route: DeclaredRoute, refusals: Refusal[], token?: string) => {
  const before = await stateOf(world.sql)
  for (const [what, call, status, code, field] of refusals) {
    const answer = await callRoute(world, route, { token, ...call })
    expect.soft(`${what}: ${seen(answer)}`).toBe(`${what}: ${status} ${code}`)
    if (field !== undefined) expect.soft(fieldsOf(answer), what).toContain(field)
  }
  expect(await stateOf(world.sql)).toEqual(before)
}

const seen = ({ status, body }: Answer): string => `${status} ${body?.code}`
const fieldsOf = ({ body }: Answer): string[] => (body?.errors ?? []).map(({ path }: { path: string }) => path)
const without = (object: object, name: string) =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))
const invalid = (what: string, call: Call, field: string): Refusal => [what, call, 422, 'VALIDATION_FAILED', field]

const JSON_TYPE = { 'content-type': 'application/json' }

/** Bodies that are no JSON object, or aren't read at all. */
const badBodies = ({ json }: DeclaredRoute): Refusal[] => {
  if (!json) return []
  const as = (type: string): Call => ({ body: '{}', headers: { 'content-type': type } })
  return [
    ['cut off', { body: '{"a":' }, 400, 'MALFORMED_JSON'],
    ...(json.mayBeLeftOut
      ? []
      : [['no body', { body: '', headers: JSON_TYPE }, 400, 'MALFORMED_JSON'] satisfies Refusal]),
    ['not UTF-8', { body: Buffer.from([0x7b, 0xff, 0x7d]), headers: JSON_TYPE }, 400, 'MALFORMED_JSON'],
    ['deep', { body: '['.repeat(100_000) }, 400, 'MALFORMED_JSON'],
    ...[201, 3_000, 100_000].map((levels): Refusal => {
      const field = Object.keys(json.fields)[0] ?? 'a'
      const body = `{"${field}":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
      return [`${levels} levels deep`, { body }, 400, 'MALFORMED_JSON']
    }),
    ['without a type', { body: Buffer.from('{}') }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['as text', as('text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['as a form', as('application/x-www-form-urlencoded'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['too large', { body: JSON.stringify('x'.repeat(MAX_BODY_BYTES)) }, 413, 'PAYLOAD_TOO_LARGE'],
    ...['[]', 'null', '3', '"text"', 'true'].map((body) => invalid(body, { body }, '')),
  ]
}

/** Objects in which one field is wrong. */
const badFields = ({ json }: DeclaredRoute): Refusal[] => {
  if (!json) return []
  const { fields, required, example } = json
  const wrong = (what: string, body: object, field: string) => invalid(`${what} ${field}`, { body }, field)
  // A field without a type takes anything: its kind decides.
  const typed = Object.keys(fields).filter((name) =>
    ['type', 'enum', 'anyOf'].some((key) => key in (fields[name] ?? {})),
  )
  return [
    wrong('unknown', { ...example, surprise: 1 }, 'surprise'),
    invalid('__proto__', { body: '{"__proto__":{"isAdmin":true}}' }, '__proto__'),
    ...required.map((name) => wrong('missing', without(example, name), name)),
    ...typed.map((name) => wrong('wrong type of', { ...example, [name]: { no: 'such type' } }, name)),
    ...Object.keys(fields).flatMap((name) => [
      wrong('NUL in', { ...example, [name]: 'a\0b' }, name),
      wrong('lone surrogate in', { ...example, [name]: 'a\ud800' }, name),
      wrong('unsafe integer in', { ...example, [name]: 2 ** 53 }, name),
      wrong('NUL in', { ...example, [name]: { deep: ['\0'] } }, `${name}.deep[0]`),
    ]),
  ]
}

const badRawBodies = ({ raw }: DeclaredRoute): Refusal[] => {
  if (!raw) return []
  const types = ['', 'multipart/form-data; boundary=x', 'text/plain, text/html', 'text/html']
  return [
    ['too large', { body: Buffer.alloc(MAX_BODY_BYTES + 1) }, 413, 'PAYLOAD_TOO_LARGE'],
    ...types.map(
      (type): Refusal => [`as ${type}`, { headers: { 'content-type': type } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ),
  ]
}

const NO_UUIDS = ['1', 'x', '-1', `${newId()}0`, `${newId()}'--`, '%00', '%F0%9F%92%A9', '..%2F..', 'a'.repeat(4_000)]

/** Texts that are no ids. */
const badIds = ({ params, patterns }: DeclaredRoute): Refusal[] =>
  params.flatMap((name) =>
    NO_UUIDS.filter((id) => !patterns[name]?.test(id)).map(
      (id): Refusal => [`${name} ${id.slice(0, 50)}`, { params: { [name]: id } }, 404, 'NOT_FOUND', name],
    ),
  )

const badQueries = ({ query }: DeclaredRoute): Refusal[] => {
  const wrong = (what: string, name: string, value: string) =>
    invalid(`${what} ${name}`, { query: { [name]: value } }, name)
  return [
    wrong('unknown', 'surprise', '1'),
    wrong('NUL in', 'surprise', '\0'),
    ...Object.keys(query).map((name) => wrong('NUL in', name, 'a\0')),
    ...Object.keys(query).flatMap((name) => (query[name]?.required ? [wrong('empty', name, '')] : [])),
  ]
}

const BAD_LIMITS = [
  '0',
  '101',
  '-1',
  '1.5',
  'ten',
  '',
  '1,2',
  '1e9',
  '1e1',
  '0x10',
  ' 10',
  '+10',
  'NaN',
  '9007199254740993',
]
const BAD_CURSORS = [
  '',
  'x',
  '!!!',
  'null',
  'e30',
  'WzFd',
  Buffer.from('"no id"').toString('base64url'),
  'a'.repeat(201),
]

/** Cursors and limits that no list accepts. `params` name things that exist: some lists look for them before the cursor. */
const badPages = ({ query }: DeclaredRoute, params: Record<string, string>): Refusal[] => {
  const wrong = (name: string, value: string) =>
    invalid(`${name} ${value.slice(0, 30)}`, { params, query: { [name]: value } }, name)
  if (!('cursor' in query)) return []
  return [...BAD_LIMITS.map((limit) => wrong('limit', limit)), ...BAD_CURSORS.map((cursor) => wrong('cursor', cursor))]
}

/** Tokens that are none, and tokens that are wrong in one way each. */
const badTokens = async (world: World, { forUsers }: DeclaredRoute, person: Person): Promise<Refusal[]> => {
  if (!forUsers) return []
  const parts = genuine(world.app, person.userId)
  const forged = await Promise.all(
    Object.entries(FORGERIES).map(async ([what, forge]) => [what, await forge(parts)] as const),
  )
  const basic = `Basic ${Buffer.from('ada:secret').toString('base64')}`
  const headers = ['', 'Bearer', basic, person.accessToken, `Bearer ${person.refreshToken}`]
  const refused = (what: string, call: Call): Refusal => [what, { token: undefined, ...call }, 401, 'UNAUTHENTICATED']
  return [
    refused('without a token', {}),
    ...headers.map((authorization) => refused(authorization.slice(0, 20), { headers: { authorization } })),
    ...forged.map(([what, token]) => refused(`a token that ${what}`, { token })),
  ]
}

const pages = declared.filter(({ isPage }) => isPage)
const answering = declared.filter(({ isPage }) => !isPage)

describe('every route refuses bad input by name, without a trace', () => {
  test.for(answering)('$name', async (route, { world }) => {
    const person = await world.register()
    const own = await belongingsOf(world, person)
    const refusals = [
      ...badBodies(route),
      ...badFields(route),
      ...badRawBodies(route),
      ...badIds(route),
      ...badQueries(route),
      ...badPages(route, own),
      ...(await badTokens(world, route, person)),
    ]
    await expectRefusals(world, route, refusals, route.forUsers ? person.accessToken : undefined)
  })

  test('the tokens are refused for what is forged in them: a genuine one is taken', async ({ world }) => {
    const token = await sign(genuine(world.app, (await world.register()).userId))
    expect((await world.http('GET', '/auth/me', { token })).status).toBe(200)
  })
})

describe('the dashboard’s page is the same whatever its address says, and tells nothing of what is there', () => {
  test('stands at five addresses', () => expect(pages).toHaveLength(5))

  test.for(pages)('$name', async (route, { world }) => {
    const hers = await belongingsOf(world, await world.register('Grace'))
    const before = await stateOf(world.sql)
    const { status, body } = await world.http('GET', '/')
    expect(status).toBe(200)
    const ids = route.params.flatMap((name) => NO_UUIDS.slice(0, -1).map((id) => ({ [name]: id })))
    const calls: Call[] = [{ query: { surprise: '1' } }, { params: hers }, ...ids.map((params) => ({ params }))]
    for (const call of calls) {
      const answer = await callRoute(world, route, call)
      expect.soft([answer.status, answer.body], JSON.stringify(call)).toEqual([200, body])
    }
    const refused: Refusal[] = [
      invalid('NUL', { query: { surprise: '\0' } }, 'surprise'),
      ...route.params.map(
        (name): Refusal => ['long', { params: { [name]: 'a'.repeat(4_000) } }, 404, 'NOT_FOUND', name],
      ),
    ]
    await expectRefusals(world, route, refused)
    expect(await stateOf(world.sql)).toEqual(before)
  })
})

describe('every route hides what is not there and what is not yours, in the same words', () => {
  const owned = answering.filter(({ params }) => params.some((name) => !(name in SHARED)))

  test.for(owned)('$name', async (route, { world }) => {
    const hers = await belongingsOf(world, await world.register('Grace'))
    const mallory = await world.register('Mallory')
    const own = await belongingsOf(world, mallory)
    const before = await stateOf(world.sql)
    const seenWith = async (params: Record<string, string>) => {
      const answer = await callRoute(world, route, { token: mallory.accessToken, params })
      expect.soft(seen(answer)).toMatch(/^404 \w+_NOT_FOUND$/)
      return withoutIds(answer)
    }
    const notThere = Object.fromEntries(route.params.map((name) => [name, newId()]))
    expect.soft(await seenWith(hers)).toBe(await seenWith(notThere))
    for (const name of route.params) {
      const missing = await seenWith({ ...own, [name]: newId() })
      // Whoever owns a project may let anybody in, by their id.
      if (route.name === 'PUT /projects/{projectId}/members/{userId}' && name === 'userId') continue
      expect.soft(await seenWith({ ...own, [name]: hers[name] ?? expect.unreachable(name) })).toBe(missing)
    }
    expect(await stateOf(world.sql)).toEqual(before)
  })

  const naming = declared.flatMap((route) =>
    route.spots.map((spot) => ({ name: `${route.name} ${spot.path}`, route, spot })),
  )

  test.for(naming)('$name', async ({ route, spot }, { world }) => {
    const hers = await belongingsOf(world, await world.register('Grace'))
    const { accessToken: token } = await world.register('Mallory')
    const before = await stateOf(world.sql)
    const call = (id: string) => callRoute(world, route, { token, ...spot.aim(id) })
    const [not_yours, not_there] = [await call(hers[spot.of] ?? expect.unreachable(spot.of)), await call(newId())]
    expect.soft(seen(not_yours)).toMatch(/^(404 \w+_NOT_FOUND|422 VALIDATION_FAILED)$/)
    if (not_yours.status === 422) expect.soft(fieldsOf(not_yours)).toEqual([spot.path])
    expect.soft(withoutIds(not_yours)).toBe(withoutIds(not_there))
    await expectRefusals(world, route, [invalid('no id', spot.aim('1'), spot.path)], token)
    expect(await stateOf(world.sql)).toEqual(before)
  })

  test('an address that nobody declared', async ({ world }) => {
    for (const url of ['/nowhere', '//jobs', '/JOBS', '/jobs/../auth/me', '/.env', `/${'a'.repeat(5_000)}`]) {
      expect.soft((await world.http('GET', url)).status, url).toBe(404)
    }
    expect((await world.http('GET', '/jobs/%zz')).status).toBe(400)
  })
})

describe('POST /jobs refuses by name, without a trace', () => {
  const submit = declared.find(({ name }) => name === 'POST /jobs') ?? expect.unreachable()

  test.for(kinds)('an input that $kind cannot take', async ({ kind, input }, { world }) => {
    const { accessToken } = await world.register()
    const schema = z.toJSONSchema(input, { io: 'input' }) as Record<string, unknown>
    const example = exampleOf(schema, {}) as Record<string, unknown>
    const required = (schema['required'] ?? []) as string[]
    const wrong = (what: string, given: unknown, field: string) =>
      invalid(what, { body: { kind, input: given } }, field)
    await expectRefusals(
      world,
      submit,
      [
        wrong('null', null, 'input'),
        wrong('a list', [], 'input'),
        wrong('a text', 'all of it', 'input'),
        wrong('an unknown field', { ...example, surprise: 1 }, 'input.surprise'),
        ...required.map((name) => wrong(`without ${name}`, without(example, name), `input.${name}`)),
        ...required.map((name) =>
          wrong(`a wrong ${name}`, { ...example, [name]: { no: 'such type' } }, `input.${name}`),
        ),
      ],
      accessToken,
    )
  })

  test('a kind that nobody declared', async ({ world }) => {
    const { accessToken } = await world.register()
    const names = ['no.such', '', 'math.pi ', 'MATH.PI', '__proto__', 'constructor', 'toString']
    const refusals = names.map((kind): Refusal => [kind, { body: { kind, input: {} } }, 422, 'UNKNOWN_KIND', 'kind'])
    await expectRefusals(world, submit, refusals, accessToken)
  })
})
