import { z } from 'zod'
import * as deviceModels from '../../db/queries/device-models.ts'
import * as serialNumbers from '../../db/queries/serial-numbers.ts'
import { attachment } from '../../lib/files/content-disposition.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { decodeCursor, id, label, page, pageOf, timestamp, toPage } from '../../lib/http/schemas.ts'
import { deviceModelCode as code, MAX_SERIAL_NUMBER } from '../../lib/serials/serial.ts'
import { chooseProject } from '../use-cases/access.ts'
import { addModel, changeModel, removeModel, requireModel } from '../use-cases/device-models.ts'
import { MAX_CSV_ROWS, serialsCsv, serialsCsvPath } from '../use-cases/serials-csv.ts'
import { viewOf } from '../views/view-of.ts'

const name = label(200)
const modelParams = z.object({ modelId: id })
const number = z.int().min(0)

const deviceModel = z
  .object({ id, projectId: id, code: z.string(), name: z.string(), createdAt: timestamp, updatedAt: timestamp })
  .meta({ id: 'DeviceModel' })
const modelReply = z.object({ deviceModel })
const toModel = viewOf(deviceModel)

const serialNumber = z
  .object({
    number,
    serial: z.string().meta({ description: 'Code, number, and two check digits (ISO/IEC 7064 MOD 97-10).' }),
    jobId: id.meta({ description: 'The job that made it.' }),
    createdAt: timestamp,
  })
  .meta({ id: 'SerialNumber' })
const toSerialNumber = viewOf(serialNumber)

const create = route({
  method: 'POST',
  path: '/device-models',
  summary: 'Add a device model',
  actor: 'user',
  scope: 'catalogue:write',
  body: z.strictObject({
    projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
    code,
    name,
  }),
  replies: { 201: modelReply },
  gives: ['location'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'DEVICE_MODEL_CODE_TAKEN'],
  run: async ({ app, actor, body }) => {
    const projectId = await chooseProject(app, actor, body.projectId, 'maintainer')
    const row = await addModel(app, actor, { ...body, projectId })
    return { status: 201, headers: { location: `/device-models/${row.id}` }, body: { deviceModel: toModel(row) } }
  },
})

const list = route({
  method: 'GET',
  path: '/device-models',
  summary: "A project's device models, newest first",
  actor: 'user',
  scope: 'catalogue:read',
  query: z.object({
    ...page,
    projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
  }),
  replies: { 200: pageOf(deviceModel) },
  errors: ['PROJECT_NOT_FOUND'],
  run: async ({ app, actor, query: { limit, cursor, ...query } }) => {
    const before = decodeCursor(cursor, id)
    const projectId = await chooseProject(app, actor, query.projectId, 'viewer')
    const rows = await deviceModels.list(app.sql, projectId, { before, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toModel, (row) => row.id) }
  },
})

const get = route({
  method: 'GET',
  path: '/device-models/{modelId}',
  summary: 'One device model',
  actor: 'user',
  scope: 'catalogue:read',
  params: modelParams,
  replies: { 200: modelReply },
  errors: ['DEVICE_MODEL_NOT_FOUND'],
  run: async ({ app, actor, params }) => ({
    status: 200,
    body: { deviceModel: toModel(await requireModel(app, actor, params.modelId, 'viewer')) },
  }),
})

const update = route({
  method: 'PATCH',
  path: '/device-models/{modelId}',
  summary: 'Rename a device model, or change its code while it has no serial numbers',
  actor: 'user',
  scope: 'catalogue:write',
  params: modelParams,
  body: z.strictObject({ code: code.optional(), name: name.optional() }),
  replies: { 200: modelReply },
  errors: ['DEVICE_MODEL_NOT_FOUND', 'FORBIDDEN', 'DEVICE_MODEL_CODE_TAKEN', 'DEVICE_MODEL_IN_USE'],
  run: async ({ app, actor, params, body }) => {
    const { id } = await requireModel(app, actor, params.modelId, 'maintainer')
    const row = await changeModel(app, actor, id, { code: body.code ?? null, name: body.name ?? null })
    return { status: 200, body: { deviceModel: toModel(row) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/device-models/{modelId}',
  summary: 'Delete a device model that has no serial numbers',
  actor: 'user',
  scope: 'catalogue:write',
  params: modelParams,
  replies: { 204: plain('Deleted') },
  errors: ['DEVICE_MODEL_NOT_FOUND', 'FORBIDDEN', 'DEVICE_MODEL_IN_USE'],
  run: async ({ app, actor, params }) => {
    await removeModel(app, actor, await requireModel(app, actor, params.modelId, 'maintainer'))
    return { status: 204 }
  },
})

const listSerialNumbers = route({
  method: 'GET',
  path: '/device-models/{modelId}/serial-numbers',
  summary: "A device model's serial numbers, in their order",
  actor: 'user',
  scope: 'catalogue:read',
  params: modelParams,
  query: z.object(page),
  replies: { 200: pageOf(serialNumber) },
  errors: ['DEVICE_MODEL_NOT_FOUND'],
  run: async ({ app, actor, params, query: { limit, cursor } }) => {
    const after = decodeCursor(cursor, number) ?? -1
    const { id } = await requireModel(app, actor, params.modelId, 'viewer')
    const rows = await serialNumbers.list(app.sql, id, { after, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toSerialNumber, (row) => row.number) }
  },
})

const csvNumber = z.coerce.number().int().min(0).max(MAX_SERIAL_NUMBER)

const downloadSerialNumbers = route({
  method: 'GET',
  path: '/device-models/{modelId}/serial-numbers.csv',
  summary: "A device model's serial numbers as CSV, in their order",
  description:
    'Up to 50 000 lines. Where there are more, `Link` has the address of the next ones; those come without the head, so ' +
    'that all answers together are one file.',
  actor: 'user',
  scope: 'catalogue:read',
  params: modelParams,
  query: z
    .object({
      first: csvNumber.default(0).meta({ description: 'The first number.' }),
      last: csvNumber.default(MAX_SERIAL_NUMBER).meta({ description: 'The last number.' }),
      header: z.enum(['true', 'false']).default('true').meta({ description: 'Whether the first line has names.' }),
      limit: z.coerce.number().int().min(1).max(MAX_CSV_ROWS).default(MAX_CSV_ROWS),
    })
    .refine(({ first, last }) => first <= last, { path: ['last'], message: 'expected not to be below first' }),
  replies: { 200: plain('The lines: number, serial, jobId, createdAt.', 'text/csv') },
  gives: ['link', 'content-disposition'],
  errors: ['DEVICE_MODEL_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, params, query: { limit, header, ...range } }) => {
    const { id, code } = await requireModel(app, actor, params.modelId, 'viewer')
    const rows = await app.scan(actor.userId, (sql) => serialNumbers.listRange(sql, id, range, limit + 1))
    const next = rows[limit] && { ...range, first: rows[limit].number }
    const headers = {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': attachment(`${code}-serial-numbers.csv`),
      ...(next && { link: `<${serialsCsvPath(id, next, `&limit=${limit}&header=false`)}>; rel="next"` }),
    }
    return { status: 200, headers, body: serialsCsv(rows.slice(0, limit), { header: header === 'true' }) }
  },
})

export const handler = resource([create, list, get, update, remove, listSerialNumbers, downloadSerialNumbers])
