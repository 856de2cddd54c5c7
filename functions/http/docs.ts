import { DOCS_POLICY, docsPage } from '../../lib/http/docs/page.ts'
import { etagOf, isKnown } from '../../lib/http/etag.ts'
import { type OpenApiDocument, openApiDocument } from '../../lib/http/openapi.ts'
import { type Resource, resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'

const notModified = plain('What you have is still right: its ETag was in If-None-Match.')

const getOpenApi = route({
  method: 'GET',
  path: '/openapi.json',
  summary: 'This API, for programs (OpenAPI 3.1)',
  actor: 'anyone',
  takes: ['if-none-match'],
  replies: { 200: plain('The OpenAPI document.', 'application/json'), 304: notModified },
  gives: ['etag'],
  run: async ({ app, headers }) => answer((await made(app.config.version)).document, headers['if-none-match']),
})

const getDocs = route({
  method: 'GET',
  path: '/docs',
  summary: 'This API, for people',
  actor: 'anyone',
  takes: ['if-none-match'],
  replies: { 200: plain('A page.', 'text/html'), 304: notModified },
  gives: ['etag'],
  run: async ({ app, headers }) => answer((await made(app.config.version)).page, headers['if-none-match']),
})

export const handler = resource([getOpenApi, getDocs])

/** The description of every route there is. All functions are loaded for it, which a cold start must not wait for. */
export const describeApi = async (version: string): Promise<OpenApiDocument> => {
  const { documented } = await import('./documented.ts')
  const resources: [string, Resource][] = [...Object.entries(documented), ['docs', handler]]
  const tags = new Map(resources.flatMap(([name, { routes }]) => routes.map((it) => [it, name] as const)))
  return openApiDocument([...tags.keys()], {
    title: 'Stint',
    version,
    description:
      'Long jobs on short-lived functions. Register, submit a job with `POST /jobs`, watch it with `GET /jobs/{jobId}`. ' +
      'Times are RFC 3339 in UTC, ids are UUIDs, lists come in pages: give `nextCursor` back as `cursor`. HEAD is ' +
      'answered as GET, without the body.',
    tagOf: (it) => tags.get(it) ?? 'docs',
  })
}

interface Cached {
  body: string
  headers: Record<string, string> & { etag: string }
}

const cached = (body: string, headers: Record<string, string>): Cached => ({
  body,
  headers: { ...headers, etag: etagOf(body), 'cache-control': 'no-cache' },
})

let latest: { version: string; document: Cached; page: Cached } | undefined

/** Both are made once, at the first request. */
const made = async (version: string): Promise<NonNullable<typeof latest>> => {
  if (latest?.version === version) return latest
  const document = await describeApi(version)
  latest = {
    version,
    document: cached(JSON.stringify(document), { 'content-type': 'application/json' }),
    page: cached(docsPage(document), {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': DOCS_POLICY,
    }),
  }
  return latest
}

const answer = ({ body, headers }: Cached, ifNoneMatch: string | undefined) =>
  isKnown(ifNoneMatch, headers.etag) ? { status: 304 as const, headers } : { status: 200 as const, headers, body }
