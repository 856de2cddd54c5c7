import * as files from '../../db/queries/files.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { type JobFile, PermanentError, type SharedJobContext } from '../jobs/define.ts'
import { addRow, keep, keyName, withSize } from './keep.ts'
import { FileMissingError, FileTooLargeError } from './store.ts'

type Context = SharedJobContext<unknown, unknown>

/** The files that a stint of a job may read and write. */
export const jobFiles = (
  app: App,
  { jobId, projectId, stint, fenced }: { jobId: string; projectId: string; stint: number; fenced: Context['fenced'] },
): Context['files'] => ({
  read: async (fileId, { maxBytes }) => {
    const { name, contentType, objectKey } = await requireArrived(app, projectId, fileId)
    const bytes = await app.files.get(objectKey, maxBytes).catch(asRefusal(fileId, maxBytes))
    return { fileId, name, contentType, bytes } satisfies JobFile
  },

  open: async (fileId, { maxBytes }) => {
    const { name, contentType, objectKey, sizeBytes } = await requireArrived(app, projectId, fileId)
    if (sizeBytes > maxBytes) throw tooLarge(fileId, maxBytes)
    const stream = await app.files.open(objectKey, maxBytes).catch(asRefusal(fileId, maxBytes))
    return { fileId, name, contentType, stream }
  },

  write: async ({ name, contentType, bytes }) => {
    const id = newId()
    const objectKey = `projects/${projectId}/jobs/${jobId}/${stint}/${id}-${keyName(name)}`
    const sizeBytes = bytes.byteLength
    const row = { id, projectId, objectKey, name, contentType, sizeBytes, madeBy: { jobId, stint } }
    const insertRow = () =>
      fenced(async (tx) => {
        if (stint > 1) await files.removeLost(tx, { jobId, stint, name })
        return addRow(app, tx, row).catch(asFailure)
      })
    await keep(app, { key: objectKey, bytes, contentType }, insertRow)
    return { fileId: id, sizeBytes }
  },

  // The prune deletes their objects, like those of all files whose rows are gone.
  remove: async (fileIds) => {
    if (fileIds.length > 0) await fenced((tx) => files.removeMadeBy(tx, jobId, fileIds))
  },
})

/** A retry would find no more room. */
const asFailure = (error: unknown): never => {
  if (error instanceof StintError) throw new PermanentError(error.code, error.message, { cause: error })
  throw error
}

const requireArrived = async (app: App, projectId: string, fileId: string) => {
  const row = await files.findById(app.sql, fileId)
  if (row?.projectId !== projectId) throw missing(fileId)
  const { sizeBytes, ...file } = await withSize(app, row)
  if (sizeBytes === null) throw new PermanentError('FILE_NOT_UPLOADED', `The file ${fileId} was never uploaded.`)
  return { ...file, sizeBytes }
}

const asRefusal =
  (fileId: string, maxBytes: number) =>
  (error: unknown): never => {
    if (error instanceof FileMissingError) throw missing(fileId, error)
    if (error instanceof FileTooLargeError) throw tooLarge(fileId, maxBytes, error)
    throw error
  }

const tooLarge = (fileId: string, maxBytes: number, cause?: unknown): PermanentError =>
  new PermanentError('FILE_TOO_LARGE', `The file ${fileId} has more than ${maxBytes} bytes.`, { cause })

const missing = (fileId: string, cause?: unknown): PermanentError =>
  new PermanentError('FILE_NOT_FOUND', `The project has no file ${fileId}.`, { cause })
