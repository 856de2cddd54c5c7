import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { PermanentError, type SharedJobContext } from '../../../lib/jobs/define.ts'
import { MAX_BYTES, MAX_LINE_BYTES } from './limits.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * Brings a file of the project to a path on this machine.
 * @throws {PermanentError} as `files.open`; DATA_UNREADABLE as soon as a line is longer than any reader bears
 */
export const fetchFile = async (
  files: SharedJobContext<unknown, unknown>['files'],
  fileId: string,
  { path, signal }: { path: string; signal: AbortSignal },
): Promise<{ name: string; sizeBytes: number }> => {
  const { name, stream } = await files.open(fileId, { maxBytes: MAX_BYTES })
  let sizeBytes = 0
  // Opened here, not by the stream: a stream that ends early opens its file after it has said so, when it may be removed.
  const file = await open(path, 'w')
  await pipeline(
    stream,
    async function* counted(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of withLines(chunks)) {
        sizeBytes += chunk.length
        yield chunk
      }
    },
    file.createWriteStream(),
    { signal },
  )
  return { name, sizeBytes }
}

/** Passes a file on while its lines have a usable length: DuckDB would read half a gigabyte before it gives up a line. */
async function* withLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isText: boolean | undefined
  let lineBytes = 0
  for await (const chunk of chunks) {
    isText ??= !chunk.toString('latin1', 0, 4).startsWith('PAR1')
    const first = nextEnd(chunk)
    lineBytes += first === -1 ? chunk.length : first
    if (isText && lineBytes > MAX_LINE_BYTES)
      throw new PermanentError('DATA_UNREADABLE', `The file has a line of more than ${MAX_LINE_BYTES} bytes.`)
    if (first !== -1) lineBytes = chunk.length - 1 - Math.max(chunk.lastIndexOf(NEWLINE), chunk.lastIndexOf(RETURN))
    yield chunk
  }
}

const nextEnd = (chunk: Buffer): number => {
  const newline = chunk.indexOf(NEWLINE)
  return newline === -1 ? chunk.indexOf(RETURN) : newline
}
