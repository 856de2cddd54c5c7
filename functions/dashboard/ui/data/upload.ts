import { contentTypeOf } from '../../../../lib/files/content-types.ts'
import { api } from './client.ts'

/** The most that one request may carry. Larger files are sent directly to the storage. */
const MAX_DIRECT_BYTES = 4 * 1024 * 1024

/** Uploads a file. @returns its id */
export const uploadFile = async (file: File, projectId: string | undefined): Promise<string> => {
  const contentType = contentTypeOf(file)
  const name = file.name
  if (file.size <= MAX_DIRECT_BYTES) {
    const query = { name, projectId }
    return (await api.call('POST /files', { query, body: file, contentType })).file.id
  }
  const announced = await api.call('POST /files/uploads', {
    body: { name, contentType, sizeBytes: file.size, projectId },
  })
  const { url, method, headers } = announced.upload
  const answer = await fetch(url, { method, headers, body: file })
  if (!answer.ok) throw new Error(`The file was not taken: ${answer.status} ${answer.statusText}`)
  return announced.file.id
}
