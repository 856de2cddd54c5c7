import { transaction } from '../../db/client.ts'
import * as files from '../../db/queries/files.ts'
import type { Role } from '../../db/queries/memberships.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { memoizeByOwner } from '../../lib/core/by-owner.ts'
import { StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { takeTurns } from '../../lib/core/take-turns.ts'
import { addRow, keep, keyName, withSize } from '../../lib/files/keep.ts'
import { requireFound } from './access.ts'
import { audit } from './audit.ts'

/** How long a presigned URL is valid. The transfer must begin in this time, but may take longer. */
const UPLOAD_SECONDS = 900
export const DOWNLOAD_SECONDS = 300
/** By then a transfer that began while its URL was valid has ended. */
const ARRIVED_SECONDS = 3_600

/**
 * What costs more the more files a project has, in turns: the sum of all their sizes for each new one, and a question to S3
 * for each of a page that has not arrived.
 */
const inTurn = memoizeByOwner((_: App) => takeTurns({ atOnce: 8, ofOne: 4, waitingOfOne: 1_000, waitMs: 10_000 }))

/** A file that the actor may see, or change. @throws {StintError} FILE_NOT_FOUND also for strangers, FORBIDDEN */
export const requireFile = async (app: App, actor: Actor, fileId: string, needed: Role): Promise<files.FileRow> =>
  requireFound(app, actor, await files.findById(app.sql, fileId), { needed, notFound: 'FILE_NOT_FOUND' })

/** Files with their sizes, as {@link withSize} has them. @throws {StintError} RATE_LIMITED */
export const withSizes = (app: App, rows: files.FileRow[]): Promise<files.FileRow[]> =>
  Promise.all(rows.map((row) => (row.sizeBytes === null ? inTurn(app)(row.projectId, () => withSize(app, row)) : row)))

/** Stores a small file that came with the request. @throws {StintError} STORAGE_FULL, RATE_LIMITED */
export const addFile = async (
  app: App,
  actor: Actor,
  given: { projectId: string; name: string; contentType: string; bytes: Buffer },
): Promise<files.FileRow> => {
  const row = { ...newRow(actor, given), sizeBytes: given.bytes.length }
  return keep(app, { ...given, key: row.objectKey }, () => addInTurn(app, row))
}

/** Gives a large file its place, and the URL to which it is to be sent. @throws {StintError} STORAGE_FULL, RATE_LIMITED */
export const announceUpload = async (
  app: App,
  actor: Actor,
  given: { projectId: string; name: string; contentType: string; sizeBytes: number },
) => {
  const { contentType, sizeBytes } = given
  const file = await addInTurn(app, { ...newRow(actor, given), sizeBytes: null, announcedBytes: sizeBytes })
  const options = { expiresInSeconds: UPLOAD_SECONDS, contentType, sizeBytes }
  const url = await app.files.uploadUrl(file.objectKey, options)
  const headers = { 'content-type': contentType }
  return { file, upload: { url, method: 'PUT' as const, headers, expiresInSeconds: UPLOAD_SECONDS } }
}

/** A URL from which the file can be fetched. @throws {StintError} FILE_NOT_UPLOADED while it hasn't arrived */
export const downloadUrl = async (app: App, file: files.FileRow): Promise<string> => {
  const { objectKey, name, contentType, sizeBytes } = await withSize(app, file)
  if (sizeBytes === null) throw new StintError('FILE_NOT_UPLOADED')
  return app.files.downloadUrl(objectKey, { expiresInSeconds: DOWNLOAD_SECONDS, fileName: name, contentType })
}

/**
 * Deletes a file, its object first: if that or the rest fails, the row is still there to try it again.
 * @throws {StintError} FILE_IN_USE, RATE_LIMITED
 */
export const removeFile = async (app: App, actor: Actor, file: files.FileRow): Promise<void> => {
  if (await app.scan(actor.userId, (sql) => files.isInUse(sql, file))) throw new StintError('FILE_IN_USE')
  await app.files.delete(file.objectKey)
  const { id, projectId, name } = file
  await transaction(app.sql, async (tx) => {
    if (await files.remove(tx, id, { announcedSeconds: UPLOAD_SECONDS, againSeconds: ARRIVED_SECONDS }))
      await audit(actor, { action: 'file.delete', projectId, target: id, data: { name } })(tx)
  })
}

const addInTurn = (app: App, file: files.NewFile): Promise<files.FileRow> =>
  inTurn(app)(file.projectId, () => addRow(app, app.sql, file))

const newRow = (
  actor: Actor,
  { projectId, name, contentType }: { projectId: string; name: string; contentType: string },
) => {
  const id = newId()
  const objectKey = `projects/${projectId}/uploads/${id}-${keyName(name)}`
  return { id, projectId, createdBy: actor.userId, objectKey, name, contentType }
}
