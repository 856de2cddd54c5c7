import { isUnreachable } from '../../db/client.ts'
import * as files from '../../db/queries/files.ts'
import * as pendingObjects from '../../db/queries/pending-objects.ts'
import type { App } from '../app.ts'

/**
 * Puts an object into the store, then its row into the database. Where the row is refused, the object goes again: the
 * row is what makes it a file. Where the process dies in between, a note that was made before is left, and by it the
 * prune finds the object.
 * @param insertRow `files.insert`, in whatever transaction it belongs
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
    // A commit whose reply was lost may have happened: then better an object without a row than the other way round.
    if (!isUnreachable(error)) await drop(app, object.key)
    throw error
  }
}

const drop = async (app: App, key: string): Promise<void> => {
  try {
    await app.files.delete(key)
  } catch (error) {
    // The caller is to learn why there is no file, and not that its remains are still there.
    app.log.warn({ err: error, key }, 'an object without a row could not be deleted')
  }
}

/** The file with its size, asked from the store if the row doesn't know yet; `sizeBytes` stays null until it has arrived. */
export const withSize = async (app: App, file: files.FileRow): Promise<files.FileRow> => {
  if (file.sizeBytes !== null) return file
  const arrived = await app.files.head(file.objectKey)
  if (!arrived) return file
  await files.markArrived(app.sql, file.id, arrived.sizeBytes)
  return { ...file, sizeBytes: arrived.sizeBytes }
}

/** A file's name as the end of its object's key: for people who look into the bucket. */
export const keyName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '_').slice(-100)
