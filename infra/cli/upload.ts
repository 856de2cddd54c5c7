import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Api } from '../../functions/http/api.ts'
import type { Client } from '../../lib/client/client.ts'
import { UnreachableError } from '../../lib/client/problem-error.ts'
import { contentTypeOf } from '../../lib/files/content-types.ts'
import { CommandError, EXIT } from './io.ts'

/** A larger file is sent straight to S3. */
const DIRECT_BYTES = 4 * 1024 * 1024

/**
 * Uploads a file of this machine. @returns its id
 * @throws {CommandError} when it can't be read, or is refused @throws {UnreachableError}
 */
export const upload = async (client: Client<Api>, path: string, projectId: string | undefined): Promise<string> => {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) throw new CommandError(`There is no file ${path}`, EXIT.usage)
  const name = basename(path)
  const contentType = contentTypeOf({ name })
  const body = await openAsBlob(path)
  if (found.size <= DIRECT_BYTES) {
    const { file } = await client.call('POST /files', { query: { name, projectId }, contentType, body })
    return file.id
  }
  const announced = { name, contentType, sizeBytes: found.size, ...(projectId && { projectId }) }
  const { file, upload: target } = await client.call('POST /files/uploads', { body: announced })
  const { url, method, headers } = target
  const answer = await fetch(url, { method, headers, body }).catch((error: unknown) => {
    throw UnreachableError.of(`${method} ${name}`, new URL(url).origin, error)
  })
  if (!answer.ok) throw new CommandError(`${name} could not be uploaded: ${answer.status}`, EXIT.unreachable)
  return file.id
}
