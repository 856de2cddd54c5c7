import { setImmediate as nextTurn } from 'node:timers/promises'
import sniffEncoding from 'html-encoding-sniffer'
import { Parser } from 'htmlparser2'
import { createReader, type PageContent } from './reader.ts'

/** Characters parsed before others get their turn: a few ms of work. */
const SLICE = 64 * 1024

/** Whether a page of this type is read. One that says nothing is taken for HTML, as browsers do. */
export const isHtml = (contentType: string): boolean =>
  ['', 'text/html', 'application/xhtml+xml'].includes(contentType.split(';')[0]?.trim() ?? '')

/**
 * What a page says, in any of the encodings of the web: by its byte order mark, else by its Content-Type, else by its own
 * `<meta>`. It is read as it streams by and no tree is built of it, so that no depth of nesting costs anything.
 */
export const readDocument = async (bytes: Buffer, contentType: string, url: URL): Promise<PageContent> => {
  const transportLayerEncodingLabel = /charset=["']?([^\s"';]+)/.exec(contentType)?.[1]
  const encoding = sniffEncoding(bytes, {
    ...(transportLayerEncodingLabel !== undefined && { transportLayerEncodingLabel }),
    defaultEncoding: isUtf8(bytes) ? 'UTF-8' : 'windows-1252',
  })
  // As browsers have it, and no database takes a NUL.
  const text = decoderOf(encoding).decode(bytes).replaceAll('\0', '\ufffd')
  const reader = createReader(url)
  const parser = new Parser(reader.handler, { decodeEntities: true })
  for (let at = 0; at < text.length; at += SLICE) {
    if (reader.isTooDeep()) break
    parser.write(text.slice(at, at + SLICE))
    await nextTurn()
  }
  parser.end()
  return reader.content(encoding.toLowerCase())
}

/** The one encoding that nothing decodes is `replacement`, made up for those that are not safe to decode. */
const decoderOf = (encoding: string) => {
  try {
    return new TextDecoder(encoding)
  } catch {
    return new TextDecoder('utf-8')
  }
}

const isUtf8 = (bytes: Buffer): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
