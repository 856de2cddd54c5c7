import { expect, test } from 'vitest'
import { z } from 'zod'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { checkAnswer } from './openapi-check.ts'

const run = async () => ({ status: 200 as const, body: { name: 'x', at: '2026-01-01T00:00:00Z' } })
const thing = z.object({ name: z.string(), at: z.iso.datetime() })
const resources = [
  resource([
    route({ method: 'GET', path: '/things', summary: 'A thing', actor: 'anyone', replies: { 200: thing }, run }),
    route({
      method: 'DELETE',
      path: '/things',
      summary: 'No thing',
      actor: 'anyone',
      replies: { 204: plain('gone') },
      run: async () => ({ status: 204 }),
    }),
  ]),
]
const named = { 'x-request-id': 'r' }
const json = { ...named, 'content-type': 'application/json' }
const problem = { ...named, 'content-type': 'application/problem+json' }
const check = (status: number, headers: Record<string, string>, body: unknown, method = 'GET') =>
  checkAnswer(resources, method, '/things', { status, headers, body })

test('an answer as it is documented passes', () => {
  check(200, json, { name: 'x', at: '2026-01-01T00:00:00Z' })
  check(204, named, undefined, 'DELETE')
  const body = { type: '/docs#INTERNAL', title: 't', status: 500, detail: 'd', code: 'INTERNAL', requestId: 'r' }
  check(500, problem, body)
})

test.for([
  ['a status', 201, json, { name: 'x', at: '2026-01-01T00:00:00Z' }, /does not have this status/],
  ['a content type', 200, { ...named, 'content-type': 'text/html' }, '<p>', /does not have text\/html/],
  ['no content type', 200, named, 'x', /does not have no content type/],
  ['a field of another type', 200, json, { name: 1, at: '2026-01-01T00:00:00Z' }, /\/name must be string/],
  ['a missing field', 200, json, { name: 'x' }, /must have required property 'at'/],
  ['a field of another format', 200, json, { name: 'x', at: 'today' }, /\/at must match/],
  ['a field that is not documented', 200, json, { name: 'x', at: '2026-01-01T00:00:00Z', secret: 1 }, /secret/],
  ['a missing body', 200, named, undefined, /has no body/],
  ['a missing header', 200, { 'content-type': 'application/json' }, { name: 'x' }, /has no header x-request-id/],
  ['a header', 200, { ...json, location: '/' }, { name: 'x', at: '2026-01-01T00:00:00Z' }, /location/],
  ['another error code', 500, problem, { code: 'NOT_FOUND' }, /body is not as/],
] as const)('%s that is not documented fails', ([, status, headers, body, message]) => {
  expect(() => check(status, headers, body)).toThrow(message)
})
