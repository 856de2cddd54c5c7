import * as files from '../../db/queries/files.ts'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { type JobFile, PermanentError, type SharedJobContext } from '../jobs/define.ts'
import { keep, keyName, withSize } from './keep.ts'
import { FileMissingError, FileTooLargeError } from './store.ts'

type Context = SharedJobContext<unknown, unknown>

/** The files that a stint of a job may read and write. */
export const jobFiles = (
  app: App,
  { jobId, projectId, stint, fenced }: { jobId: string; projectId: string; stint: number; fenced: Context['fenced'] },
): Context['files'] => ({
  read: async (fileId, { maxBytes }) => {
    const row = await files.findById(app.sql, fileId)
    if (row?.projectId !== projectId) throw missing(fileId)
    const { name, contentType, objectKey, sizeBytes } = await withSize(app, row)
    if (sizeBytes === null) throw new PermanentError('FILE_NOT_UPLOADED', `The file ${fileId} was never uploaded.`)
    return { fileId, name, contentType, bytes: await getBytes(app, fileId, objectKey, maxBytes) } satisfies JobFile
  },

  write: async ({ name, contentType, bytes }) => {
    const id = newId()
    const objectKey = `projects/${projectId}/jobs/${jobId}/${stint}/${id}-${keyName(name)}`
    const sizeBytes = bytes.byteLength
    const row = { id, projectId, objectKey, name, contentType, sizeBytes, madeBy: { jobId, stint } }
    await keep(app, { key: objectKey, bytes, contentType }, () => fenced((tx) => files.insert(tx, row)))
    return { fileId: id, sizeBytes }
  },
})

const getBytes = async (app: App, fileId: string, objectKey: string, maxBytes: number): Promise<Buffer> => {
  try {
    return await app.files.get(objectKey, maxBytes)
  } catch (error) {
    if (error instanceof FileMissingError) throw missing(fileId, error)
    if (error instanceof FileTooLargeError)
      throw new PermanentError('FILE_TOO_LARGE', `The file ${fileId} has more than ${maxBytes} bytes.`, {
        cause: error,
      })
    throw error
  }
}

const missing = (fileId: string, cause?: unknown): PermanentError =>
  new PermanentError('FILE_NOT_FOUND', `The project has no file ${fileId}.`, { cause })
