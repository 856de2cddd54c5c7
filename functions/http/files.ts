import { z } from 'zod'
import * as files from '../../db/queries/files.ts'
import { CONTENT_TYPES } from '../../lib/files/content-types.ts'
import { withSize } from '../../lib/files/keep.ts'
import { resource } from '../../lib/http/resource.ts'
import { MAX_BODY_BYTES, plain, route } from '../../lib/http/route.ts'
import { decodeCursor, fileName, id, page, pageOf, timestamp, toPage } from '../../lib/http/schemas.ts'
import { chooseProject } from '../use-cases/access.ts'
import {
  addFile,
  announceUpload,
  DOWNLOAD_SECONDS,
  downloadUrl,
  removeFile,
  requireFile,
  withSizes,
} from '../use-cases/files.ts'
import { viewOf } from '../views/view-of.ts'

/** S3 takes no more in one PUT. */
const MAX_UPLOAD_BYTES = 5 * 1024 ** 3

const fileParams = z.object({ fileId: id })

const file = z
  .object({
    id,
    projectId: id,
    jobId: id.nullable().meta({ description: 'The job that made it; null for an upload.' }),
    name: z.string(),
    contentType: z.string(),
    sizeBytes: z.int().nullable().meta({ description: 'Null until an announced upload has arrived.' }),
    createdBy: id.nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'File' })
const fileReply = z.object({ file })
const toFile = viewOf(file)

const create = route({
  method: 'POST',
  path: '/files',
  summary: 'Upload a file of at most 4 MiB',
  description: 'The body is the file. For larger files use POST /files/uploads.',
  actor: 'user',
  scope: 'files:write',
  query: z.object({
    name: fileName,
    projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
  }),
  body: { raw: { contentTypes: [...CONTENT_TYPES], maxBytes: MAX_BODY_BYTES } },
  replies: { 201: fileReply },
  gives: ['location'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'STORAGE_FULL', 'RATE_LIMITED'],
  run: async ({ app, actor, query, body }) => {
    const projectId = await chooseProject(app, actor, query.projectId, 'maintainer')
    const row = await addFile(app, actor, { ...body, projectId, name: query.name })
    return { status: 201, headers: { location: `/files/${row.id}` }, body: { file: toFile(row) } }
  },
})

const announce = route({
  method: 'POST',
  path: '/files/uploads',
  summary: 'Announce a file, and get the URL to upload it to',
  description: 'Send exactly the announced bytes there, with the given method and headers, before the URL expires.',
  actor: 'user',
  scope: 'files:write',
  body: z.strictObject({
    projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
    name: fileName,
    contentType: z.enum(CONTENT_TYPES),
    sizeBytes: z.int().min(1).max(MAX_UPLOAD_BYTES),
  }),
  replies: {
    201: z.object({
      file,
      upload: z.object({
        url: z.url(),
        method: z.literal('PUT'),
        headers: z.record(z.string(), z.string()),
        expiresInSeconds: z.int(),
      }),
    }),
  },
  gives: ['location'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'STORAGE_FULL', 'RATE_LIMITED'],
  run: async ({ app, actor, body }) => {
    const projectId = await chooseProject(app, actor, body.projectId, 'maintainer')
    const { file, upload } = await announceUpload(app, actor, { ...body, projectId })
    return { status: 201, headers: { location: `/files/${file.id}` }, body: { file: toFile(file), upload } }
  },
})

const list = route({
  method: 'GET',
  path: '/files',
  summary: "A project's files, newest first",
  actor: 'user',
  scope: 'files:read',
  query: z.object({
    ...page,
    projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
  }),
  replies: { 200: pageOf(file) },
  errors: ['PROJECT_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, query: { limit, cursor, ...query } }) => {
    const before = decodeCursor(cursor, id)
    const projectId = await chooseProject(app, actor, query.projectId, 'viewer')
    const rows = await files.list(app.sql, projectId, { before, limit: limit + 1 })
    const sized = await withSizes(app, rows)
    return { status: 200, body: toPage(sized, limit, toFile, (row) => row.id) }
  },
})

const get = route({
  method: 'GET',
  path: '/files/{fileId}',
  summary: "A file's content",
  actor: 'user',
  scope: 'files:read',
  params: fileParams,
  replies: { 302: plain('The content is at `Location`, for five minutes, for whoever has that URL.') },
  gives: ['location'],
  errors: ['FILE_NOT_FOUND', 'FILE_NOT_UPLOADED'],
  run: async ({ app, actor, params }) => {
    const row = await requireFile(app, actor, params.fileId, 'viewer')
    return { status: 302, headers: { location: await downloadUrl(app, row), 'cache-control': 'no-store' } }
  },
})

const getUrl = route({
  method: 'GET',
  path: '/files/{fileId}/url',
  summary: "Where a file's content is",
  description: 'As `GET /files/{fileId}`, for programs that can’t take a redirect: pages, for a picture’s address.',
  actor: 'user',
  scope: 'files:read',
  params: fileParams,
  replies: { 200: z.object({ url: z.url(), expiresInSeconds: z.int() }) },
  errors: ['FILE_NOT_FOUND', 'FILE_NOT_UPLOADED'],
  run: async ({ app, actor, params }) => {
    const url = await downloadUrl(app, await requireFile(app, actor, params.fileId, 'viewer'))
    return { status: 200, body: { url, expiresInSeconds: DOWNLOAD_SECONDS } }
  },
})

const getMetadata = route({
  method: 'GET',
  path: '/files/{fileId}/metadata',
  summary: "A file's name, type and size",
  actor: 'user',
  scope: 'files:read',
  params: fileParams,
  replies: { 200: fileReply },
  errors: ['FILE_NOT_FOUND'],
  run: async ({ app, actor, params }) => {
    const row = await requireFile(app, actor, params.fileId, 'viewer')
    return { status: 200, body: { file: toFile(await withSize(app, row)) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/files/{fileId}',
  summary: 'Delete a file',
  actor: 'user',
  scope: 'files:write',
  params: fileParams,
  replies: { 204: plain('Deleted') },
  errors: ['FILE_NOT_FOUND', 'FORBIDDEN', 'FILE_IN_USE', 'RATE_LIMITED'],
  run: async ({ app, actor, params }) => {
    await removeFile(app, actor, await requireFile(app, actor, params.fileId, 'maintainer'))
    return { status: 204 }
  },
})

export const handler = resource([create, announce, list, get, getUrl, getMetadata, remove])
