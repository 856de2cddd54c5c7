import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect } from 'vitest'
import type { z } from 'zod'
import { jsonBodyOf } from '../../lib/http/openapi.ts'
import { exampleOf } from '../../lib/http/openapi-example.ts'
import { pointer, validatorsOf } from '../../tests/support/openapi-check.ts'
import { test } from '../../tests/support/world.ts'
import { describeApi } from './docs.ts'
import { routes } from './index.ts'

const document = await describeApi('1.0.0')
const operations = routes.map(({ declaration }) => {
  const operation = document.paths[declaration.path]?.[declaration.method.toLowerCase()]
  if (!operation) throw new Error(`${declaration.method} ${declaration.path} is not documented`)
  return { name: `${declaration.method} ${declaration.path}`, declaration, operation }
})

const validator = validatorsOf(document)

describe("the API's OpenAPI document", () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test('calls each operation by a name of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  test.for(operations)('says of $name what it is for and how it succeeds', ({ operation }) => {
    expect(operation.summary.length).toBeGreaterThan(3)
    expect(Object.keys(operation.responses).filter((status) => /^[23]/.test(status)).length).toBeGreaterThan(0)
  })

  test.for(operations.filter(({ operation }) => jsonBodyOf(operation)))(
    'shows a body for $name that the route accepts',
    ({ declaration, operation }) => {
      const example = jsonBodyOf(operation)?.example
      expect((declaration.body as z.ZodType).safeParse(example)).toMatchObject({ success: true })
    },
  )

  test('signs in, as it shows that, who has registered as it shows that', async ({ world }) => {
    const shown = (path: `/${string}`) => {
      const operation = document.paths[path]?.['post']
      return operation && jsonBodyOf(operation)?.example
    }
    const registered = await world.http('POST', '/auth/register', { body: shown('/auth/register') })
    const signedIn = await world.http('POST', '/auth/login', { body: shown('/auth/login') })
    expect([registered.status, signedIn.status]).toEqual([201, 200])
  })

  test.for(operations)(
    'shows an example of each JSON that $name takes and gives, as its schema wants it',
    ({ declaration: { method, path }, operation: { requestBody, responses } }) => {
      const at = ['paths', path, method.toLowerCase()]
      const places = [
        { content: requestBody?.content, keys: [...at, 'requestBody'] },
        ...Object.entries(responses).map(([status, { content }]) => ({ content, keys: [...at, 'responses', status] })),
      ]
      for (const { content = {}, keys } of places) {
        for (const [type, { schema, example, examples }] of Object.entries(content)) {
          if (!type.endsWith('json') || schema['format'] === 'binary' || Object.keys(schema).length === 0) continue
          const shown = examples ? Object.values(examples).map(({ value }) => value) : [example]
          expect(shown.length).toBeGreaterThan(0)
          const validate = validator(pointer(...keys, 'content', type, 'schema'))
          for (const it of shown) expect(validate(it) ? [] : [validate.errors, it]).toEqual([])
        }
      }
    },
  )

  test.for(operations.filter(({ declaration }) => declaration.query))(
    'shows query parameters for $name that the route accepts',
    ({ declaration, operation }) => {
      const query = (operation.parameters ?? []).filter((it) => it.in === 'query')
      const examples = query
        .filter(({ name, required }) => required || name === 'limit')
        .map(({ name, schema }) => [name, String(exampleOf(schema, document.components.schemas))])
      expect((declaration.query as z.ZodType).safeParse(Object.fromEntries(examples))).toMatchObject({ success: true })
    },
  )

  test.for(operations.filter(({ name }) => /^POST \/auth\//.test(name)))(
    'says that $name is rate limited',
    ({ operation }) => {
      expect(Object.keys(operation.responses)).toContain('429')
    },
  )
})

describe('GET /openapi.json', () => {
  test('gives the document to anyone, in the version that runs', async ({ world }) => {
    const { status, headers, body } = await world.http('GET', '/openapi.json')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json')
    expect(body).toEqual(JSON.parse(JSON.stringify(await describeApi(world.app.config.version))))
  })

  test('does not send again what the caller has', async ({ world }) => {
    const { headers } = await world.http('GET', '/openapi.json')
    const etag = headers['etag'] ?? ''
    for (const ifNoneMatch of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await world.http('GET', '/openapi.json', { headers: { 'if-none-match': ifNoneMatch } })
      expect(again).toMatchObject({ status: 304, body: undefined, headers: { etag } })
    }
    const changed = await world.http('GET', '/openapi.json', { headers: { 'if-none-match': '"older"' } })
    expect(changed.status).toBe(200)
  })
})

describe('GET /docs', () => {
  test('gives a page for people, with every route, under a policy that lets it load nothing', async ({ world }) => {
    const { status, headers, body } = await world.http('GET', '/docs')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /)
    for (const { operation } of operations) expect(body).toContain(`<article id="${operation.operationId}">`)
  })

  test('has the place that a problem document points to', async ({ world }) => {
    const { body: problem } = await world.http('GET', '/auth/me')
    const { body: page } = await world.http('GET', '/docs')
    expect(problem.type).toBe('/docs#UNAUTHENTICATED')
    expect(page).toContain('id="UNAUTHENTICATED"')
  })
})
