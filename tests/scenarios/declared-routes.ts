import type { Pool } from '../../db/client.ts'
import { describeApi } from '../../functions/http/docs.ts'
import { routes } from '../../functions/http/index.ts'
import { newId } from '../../lib/core/ids.ts'
import { jsonBodyOf } from '../../lib/http/openapi.ts'
import { exampleOf } from '../../lib/http/openapi-example.ts'
import { type JsonSchema, resolve } from '../../lib/http/openapi-schemas.ts'
import type { Person, World } from '../support/world.ts'

const document = await describeApi('test')
const { schemas } = document.components

const PAGES = /^\/(dashboard\/(\{page\}|jobs\/\{jobId\}|projects\/\{projectId\}))?$/

/** A route as its declaration shows it to the outside. */
export interface DeclaredRoute {
  name: string
  method: string
  path: string
  /** Whether it is the dashboard's page, which takes any address: what it shows it asks other routes for. */
  isPage: boolean
  /** Whether it asks for a token. */
  forUsers: boolean
  /** What an API key needs for it; undefined: no key will do. */
  scope: string | undefined
  /** The names in its path. */
  params: string[]
  /** What those of them look like that are no ids. */
  patterns: Record<string, RegExp>
  /** The names in its query, with their schemas. */
  query: Record<string, { schema: JsonSchema; required: boolean }>
  /** The fields of its JSON body, and a body that is valid. */
  json: { fields: Record<string, JsonSchema>; required: string[]; example: Record<string, unknown> } | undefined
  /** The first content type of its raw body. */
  raw: string | undefined
}

const describeRoute = (method: string, path: string): DeclaredRoute => {
  const operation = document.paths[path]?.[method.toLowerCase()]
  if (!operation) throw new Error(`${method} ${path} is not documented`)
  const media = jsonBodyOf(operation)
  const body = media && resolve(media.schema, schemas)
  const parameters = operation.parameters ?? []
  return {
    name: `${method} ${path}`,
    method,
    path,
    isPage: PAGES.test(path),
    forUsers: operation.security.length > 0,
    scope: operation.security.flatMap(({ apiKey }) => apiKey ?? [])[0],
    params: parameters.filter((it) => it.in === 'path').map((it) => it.name),
    patterns: Object.fromEntries(
      parameters.flatMap(({ name, in: where, schema: { pattern } }) =>
        where === 'path' && typeof pattern === 'string' ? [[name, new RegExp(pattern)]] : [],
      ),
    ),
    query: Object.fromEntries(
      parameters.filter((it) => it.in === 'query').map(({ name, schema, required }) => [name, { schema, required }]),
    ),
    json: body && {
      fields: (body['properties'] ?? {}) as Record<string, JsonSchema>,
      required: (body['required'] ?? []) as string[],
      example: media.example as Record<string, unknown>,
    },
    raw: media ? undefined : Object.keys(operation.requestBody?.content ?? {})[0],
  }
}

/** Every route of the API. */
export const declared = routes.map(({ declaration: { method, path } }) => describeRoute(method, path))

export interface Call {
  token?: string | undefined
  params?: Record<string, string>
  query?: Record<string, string>
  body?: unknown
  headers?: Record<string, string>
}

/** What a path may name that is nobody's own, and there for everybody. */
export const SHARED: Record<string, string> = { queue: 'default', page: 'jobs', file: 'index.js', name: 'host' }

/** Calls a route with all that it needs, valid as far as a declaration tells, and different in what `given` says. */
export const callRoute = (world: World, route: DeclaredRoute, given: Call = {}) => {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => given.params?.[name] ?? SHARED[name] ?? newId())
  const needed = Object.entries(route.query).filter(([, { required }]) => required)
  const query = {
    ...Object.fromEntries(needed.map(([name, { schema }]) => [name, String(exampleOf(schema, schemas))])),
    ...given.query,
  }
  const search = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const body = 'body' in given ? given.body : route.raw ? Buffer.from('x') : route.json?.example
  return world.http(route.method, search.length > 0 ? `${path}?${search.join('&')}` : path, {
    ...(body !== undefined && { body }),
    ...(given.token && { token: given.token }),
    headers: { ...(route.raw && { 'content-type': route.raw }), ...given.headers },
  })
}

/** One of everything that a path may name, and that is somebody's. */
export const belongingsOf = async (world: World, person: Person): Promise<Record<string, string>> => {
  const { accessToken: token, projectId, userId } = person
  const job = await world.http('POST', '/jobs', { token, body: { kind: 'math.pi', input: { digits: 10 }, projectId } })
  const model = await world.http('POST', '/device-models', { token, body: { code: '0111', name: 'Lamp', projectId } })
  const file = await world.http('POST', `/files?name=a.txt&projectId=${projectId}`, {
    token,
    body: Buffer.from('hello'),
    headers: { 'content-type': 'text/plain' },
  })
  const schedule = await world.http('POST', '/schedules', {
    token,
    body: { name: 'New Year', cron: '0 0 1 1 *', kind: 'math.pi', input: { digits: 10 }, projectId },
  })
  const key = await world.http('POST', `/projects/${projectId}/api-keys`, {
    token,
    body: { name: 'Robot', scopes: ['jobs:read'] },
  })
  return {
    keyId: key.body.apiKey.id,
    scheduleId: schedule.body.schedule.id,
    projectId,
    userId,
    jobId: job.body.job.id,
    modelId: model.body.deviceModel.id,
    fileId: file.body.file.id,
  }
}

/** How many rows each table has: whatever is refused must leave all of them as they were. */
export const rowCounts = async (sql: Pool): Promise<Record<string, number>> => {
  const tables = await sql<{ tableName: string }[]>`
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'rate_limits'
    ORDER BY table_name`
  const counts = tables.map(async ({ tableName }) => {
    const [row] = await sql<[{ count: number }]>`SELECT count(*)::int AS count FROM ${sql(tableName)}`
    return [tableName, row.count] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}
