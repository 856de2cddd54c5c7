import type { Pool } from '../../db/client.ts'
import { describeApi } from '../../functions/http/docs.ts'
import { routes } from '../../functions/http/index.ts'
import { newId } from '../../lib/core/ids.ts'
import { jsonBodyOf } from '../../lib/http/openapi.ts'
import { exampleOf } from '../../lib/http/openapi-example.ts'
import { type JsonSchema, resolve } from '../../lib/http/openapi-schemas.ts'
import type { Answer } from '../support/http-client.ts'
import type { Person, World } from '../support/world.ts'

const document = await describeApi('test')
const { schemas } = document.components

const PAGES = /^\/(dashboard(\/(\{page\}|jobs\/\{jobId\}|projects\/\{projectId\}))?)?$/

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
  json:
    | {
        fields: Record<string, JsonSchema>
        required: string[]
        mayBeLeftOut: boolean
        example: Record<string, unknown>
      }
    | undefined
  /** The first content type of its raw body. */
  raw: string | undefined
  /** Where its query and its JSON body take ids. */
  spots: Spot[]
}

/** A place in a request that takes an id. */
export interface Spot {
  /** As errors name it: `jobs[0].projectId`. */
  path: string
  /** Of what it takes the id, by the names of {@link belongingsOf}. */
  of: string
  /** A call that is valid, with this id there. */
  aim: (id: string) => Call
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
      mayBeLeftOut: operation.requestBody?.required === false,
      example: media.example as Record<string, unknown>,
    },
    raw: media ? undefined : Object.keys(operation.requestBody?.content ?? {})[0],
    spots: [
      ...parameters
        .filter((it) => it.in === 'query' && it.schema['format'] === 'uuid')
        .map(({ name }) => ({ path: name, of: whoseId(name), aim: (id: string) => ({ query: { [name]: id } }) })),
      ...(media ? spotsOf(media.schema, media.example, '') : []).map(({ path, put }) => ({
        path,
        of: whoseId(path),
        aim: (id: string) => ({ body: put(id) }),
      })),
    ],
  }
}

/** Of what the ids are that are called otherwise. */
const CALLED: Record<string, string> = { ids: 'jobId', after: 'jobId', submittedBy: 'jobId', tree: 'jobId' }

const whoseId = (path: string): string => {
  const name = /(\w+)(\[0\])*$/.exec(path)?.[1] ?? ''
  return CALLED[name] ?? name
}

/** Every place of a schema that takes an id, each with what makes of an example the same with an id there. */
const spotsOf = (
  schema: JsonSchema,
  example: unknown,
  path: string,
): { path: string; put: (id: string) => unknown }[] => {
  const { format, anyOf, items, properties } = resolve(schema, schemas)
  if (format === 'uuid') return [{ path, put: (id) => id }]
  if (Array.isArray(anyOf)) return anyOf.flatMap((choice) => spotsOf(choice, example, path))
  if (items) {
    const item = items as JsonSchema
    const inside = spotsOf(item, exampleOf(item, schemas), `${path}[0]`)
    return inside.map((spot) => ({ ...spot, put: (id) => [spot.put(id)] }))
  }
  return Object.entries((properties ?? {}) as Record<string, JsonSchema>).flatMap(([name, property]) => {
    const given = (example ?? {}) as Record<string, unknown>
    const inside = spotsOf(property, given[name], path ? `${path}.${name}` : name)
    return inside.map((spot) => ({ ...spot, put: (id) => ({ ...given, [name]: spot.put(id) }) }))
  })
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

/** What is refused must not differ between what is not there and what is not yours, but for the ids that were given. */
export const withoutIds = ({ status, headers: { 'x-request-id': _, ...headers }, body }: Answer): string =>
  JSON.stringify([status, headers, { ...body, requestId: '' }]).replaceAll(
    /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
    'id',
  )

/** One of everything that a path may name, and that is somebody's. */
export const belongingsOf = async (
  world: Pick<World, 'http'>,
  person: Pick<Person, 'accessToken' | 'projectId' | 'userId'>,
  modelCode = '0111',
): Promise<Record<string, string>> => {
  const { accessToken: token, projectId, userId } = person
  const job = await world.http('POST', '/jobs', { token, body: { kind: 'math.pi', input: { digits: 10 }, projectId } })
  const model = await world.http('POST', '/device-models', {
    token,
    body: { code: modelCode, name: 'Lamp', projectId },
  })
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

/** What a table holds. */
interface TableState {
  rows: number
  /** Over the rows' content. */
  hash: string
}

/**
 * What each table holds: whatever is refused must leave all of them as they were. That somebody tried may be counted, and
 * when a key was used may be noted.
 */
export const stateOf = async (sql: Pool): Promise<Record<string, TableState>> => {
  const tables = await sql<{ tableName: string }[]>`
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT IN ('rate_limits', 'metric_totals')
    ORDER BY table_name`
  const states = tables.map(async ({ tableName }) => {
    const [state] = await sql<[TableState]>`
      SELECT count(*)::int AS rows,
        coalesce(sum(hashtextextended((to_jsonb(it) - 'last_used_at')::text, 0)), 0)::text AS hash
      FROM ${sql(tableName)} AS it`
    return [tableName, state] as const
  })
  return Object.fromEntries(await Promise.all(states))
}
