import { z } from 'zod'
import * as auditLog from '../../db/queries/audit-log.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { decodeCursor, id, page, pageOf, timestamp, toPage } from '../../lib/http/schemas.ts'
import { requireRole } from '../use-cases/access.ts'
import { requireAdmin } from '../use-cases/admin.ts'
import { ACTIONS } from '../use-cases/audit.ts'
import { viewOf } from '../views/view-of.ts'

const entry = z
  .object({
    id,
    action: z.enum(ACTIONS),
    target: z.string().meta({ description: 'The id or name of what it was done to.' }),
    data: z.record(z.string(), z.unknown()),
    projectId: id.nullable().meta({ description: 'Null: it concerned every project.' }),
    userId: id.nullable().meta({ description: 'Null: done from a command line.' }),
    userName: z.string().nullable(),
    apiKeyId: id.nullable().meta({ description: 'The key of that person with which a program did it.' }),
    ip: z.string().nullable().meta({ description: 'Where the request came from.' }),
    createdAt: timestamp,
  })
  .meta({ id: 'AuditEntry' })

const KEPT =
  'Written with what it tells of, and kept for `AUDIT_RETENTION_DAYS`. Jobs that were submitted and files that were ' +
  'uploaded are not in it.'

const listOfProject = route({
  method: 'GET',
  path: '/projects/{projectId}/audit',
  summary: 'Who did what in a project, newest first (maintainer)',
  description: KEPT,
  actor: 'user',
  params: z.object({ projectId: id }),
  query: z.object(page),
  replies: { 200: pageOf(entry) },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, params, query: { limit, cursor } }) => {
    const before = decodeCursor(cursor, id)
    await requireRole(app, actor, params.projectId, 'maintainer')
    const rows = await auditLog.list(app.sql, params.projectId, { before, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toEntry, (row) => row.id) }
  },
})

const listEverywhere = route({
  method: 'GET',
  path: '/audit',
  summary: 'Who did what in all projects and outside of them, newest first (admin)',
  description: KEPT,
  actor: 'user',
  query: z.object(page),
  replies: { 200: pageOf(entry) },
  errors: ['FORBIDDEN'],
  run: async ({ app, actor, query: { limit, cursor } }) => {
    const before = decodeCursor(cursor, id)
    await requireAdmin(app, actor)
    const rows = await auditLog.list(app.sql, null, { before, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toEntry, (row) => row.id) }
  },
})

const view = viewOf(entry)
const toEntry = (row: auditLog.EntryRow) => view({ ...row, action: row.action as (typeof ACTIONS)[number] })

export const handler = resource([listOfProject, listEverywhere])
