import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { WebError } from './web-error.ts'

const DECODERS: Record<string, () => NodeJS.ReadWriteStream> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** The `Accept-Encoding` header: the encodings that {@link readBody} knows. */
export const ACCEPT_ENCODING = 'gzip, deflate, br'

/**
 * Reads a body, decompressing it, and stops at the limit, so that a decompression bomb never takes more memory than that.
 * @param cut whether a longer body is cut at the limit, instead of being an error
 * @throws {WebError} RESPONSE_TOO_LARGE, ENCODING_UNREADABLE; what the stream throws
 */
export const readBody = async (
  body: Readable,
  { encoding, maxBytes, cut, host }: { encoding: string; maxBytes: number; cut: boolean; host: string },
): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of decoded(body, encoding, host)) {
    const bytes = chunk as Buffer
    size += bytes.length
    if (size > maxBytes && cut) return Buffer.concat([...chunks, bytes]).subarray(0, maxBytes)
    if (size > maxBytes) throw new WebError('RESPONSE_TOO_LARGE', `${host} sent more than ${maxBytes} bytes.`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

const decoded = (body: Readable, encoding: string, host: string): NodeJS.ReadableStream => {
  if (encoding === '' || encoding === 'identity') return body
  // One encoding, not several in a row: nested ones are how bombs get really large.
  const decoder = DECODERS[encoding]?.()
  if (!decoder)
    throw new WebError('ENCODING_UNREADABLE', `${host} encodes its answer as ${encoding.slice(0, 50)}, unasked.`)
  body.on('error', (error) => decoder.emit('error', error))
  return body.pipe(decoder)
}
