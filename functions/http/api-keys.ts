import { z } from 'zod'
import * as apiKeys from '../../db/queries/api-keys.ts'
import { KEY_SECONDS } from '../../lib/auth/api-keys.ts'
import { SCOPES, type Scope } from '../../lib/auth/scopes.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { decodeCursor, id, label, page, pageOf, timestamp, toPage } from '../../lib/http/schemas.ts'
import { requireRole } from '../use-cases/access.ts'
import { addApiKey, revokeApiKey } from '../use-cases/api-keys.ts'
import { viewOf } from '../views/view-of.ts'

const TEN_YEARS_SECONDS = 315_360_000

const scope = z.enum(SCOPES)

const apiKey = z
  .object({
    id,
    projectId: id,
    name: z.string(),
    hint: z.string().meta({ description: 'How the secret begins.' }),
    scopes: z.array(scope),
    createdBy: id.meta({ description: 'The key may never do more than this person’s role in the project allows.' }),
    createdAt: timestamp,
    expiresAt: timestamp.nullable(),
    lastUsedAt: timestamp.nullable().meta({ description: 'To the minute; null: never.' }),
  })
  .meta({ id: 'ApiKey' })

const projectParams = z.object({ projectId: id })

const create = route({
  method: 'POST',
  path: '/projects/{projectId}/api-keys',
  summary: 'Create an API key (maintainer)',
  description:
    'For programs: `Authorization: Bearer stk_…` in place of an access token. The key acts in this project alone, within ' +
    'its scopes, and never beyond the role that its maker has there at that moment; an owner’s key is a maintainer. ' +
    'It ends when its maker leaves the project. Each route says the scope that it takes; a `write` includes the `read`, ' +
    'and `schedules:write` submits jobs by the clock. The secret is shown once.',
  actor: 'user',
  params: projectParams,
  body: z
    .strictObject({
      name: label(100),
      scopes: z.array(scope).min(1).max(SCOPES.length),
      expiresInSeconds: z
        .int()
        .min(60)
        .max(TEN_YEARS_SECONDS)
        .optional()
        .meta({ description: 'By default it never expires.' }),
    })
    .meta({ id: 'NewApiKey', example: { name: 'Nightly import', scopes: ['jobs:write', 'files:read'] } }),
  replies: { 201: z.object({ apiKey, secret: z.string().meta({ description: 'Keep it: it is not shown again.' }) }) },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, params, body: { name, scopes, expiresInSeconds } }) => {
    const wanted = { ...params, name, scopes: [...new Set(scopes)], expiresInSeconds }
    const { key, secret } = await addApiKey(app, actor, wanted)
    return { status: 201, body: { apiKey: toApiKey(key), secret } }
  },
})

const list = route({
  method: 'GET',
  path: '/projects/{projectId}/api-keys',
  summary: "A project's API keys, newest first (maintainer)",
  actor: 'user',
  params: projectParams,
  query: z.object(page),
  replies: { 200: pageOf(apiKey) },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, params, query: { limit, cursor } }) => {
    const before = decodeCursor(cursor, id)
    await requireRole(app, actor, params.projectId, 'maintainer')
    const rows = await apiKeys.list(app.sql, params.projectId, { before, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toApiKey, (row) => row.id) }
  },
})

const revoke = route({
  method: 'DELETE',
  path: '/projects/{projectId}/api-keys/{keyId}',
  summary: 'Revoke an API key (maintainer)',
  description: `Processes that have used the key may accept it for up to ${KEY_SECONDS} s more.`,
  actor: 'user',
  params: z.object({ projectId: id, keyId: id }),
  replies: { 204: plain('Revoked') },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'API_KEY_NOT_FOUND'],
  run: async ({ app, actor, params }) => {
    await revokeApiKey(app, actor, params)
    return { status: 204 }
  },
})

const view = viewOf(apiKey)
const toApiKey = (row: apiKeys.ApiKeyRow) => view({ ...row, scopes: row.scopes as Scope[] })

export const handler = resource([create, list, revoke])
