import { isUnreachable, type Sql } from '../../db/client.ts'
import * as files from '../../db/queries/files.ts'
import * as pendingObjects from '../../db/queries/pending-objects.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'

/**
 * Puts an object into the store, then its row into the database; the row is what makes it a file. If the row is refused, the
 * object is deleted. If the process dies in between, a note that was written before remains, by which the prune finds the
 * object.
 * @param insertRow {@link addRow}, in whatever transaction it belongs
 */
export const keep = async <T>(
  app: App,
  object: { key: string; bytes: Uint8Array; contentType: string },
  insertRow: () => Promise<T>,
): Promise<T> => {
  await pendingObjects.insert(app.sql, object.key)
  await app.files.put(object.key, object.bytes, object.contentType)
  try {
    return await insertRow()
  } catch (error) {
    // The commit may have happened, with its reply lost. Better an object without a row than a row without an object.
    if (!isUnreachable(error)) await drop(app, object.key)
    throw error
  }
}

/** Inserts a file's row. @throws {StintError} STORAGE_FULL if its project may not have so much more */
export const addRow = async (app: App, sql: Sql, file: files.NewFile): Promise<files.FileRow> => {
  const { projectMib } = app.config.storage
  const row = await files.insert(sql, file, projectMib * 1024 ** 2)
  if (row) return row
  throw new StintError('STORAGE_FULL', `The files of a project may have ${projectMib} MiB together. Delete some.`)
}

const drop = async (app: App, key: string): Promise<void> => {
  try {
    await app.files.delete(key)
  } catch (error) {
    // The caller should get the first error, and not this one.
    app.log.warn({ err: error, key }, 'an object without a row could not be deleted')
  }
}

/** The file with its size, read from the store if the row doesn't have it yet; null until the upload has arrived. */
export const withSize = async (app: App, file: files.FileRow): Promise<files.FileRow> => {
  if (file.sizeBytes !== null) return file
  const arrived = await app.files.head(file.objectKey)
  if (!arrived) return file
  await files.markArrived(app.sql, file.id, arrived.sizeBytes)
  return { ...file, sizeBytes: arrived.sizeBytes }
}

/** A file's name as the end of its object's key: for people who look into the bucket. */
export const keyName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '_').slice(-100)
