import { open } from 'node:fs/promises'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_FILE_COLUMNS } from './limits.ts'

/** What a CSV's first lines say about the rest. */
export interface Dialect {
  delimiter: string
  encoding: 'utf-8' | 'utf-16' | 'latin-1'
  /** Lines before the table. */
  skipLines: number
}

export interface Csv extends Dialect {
  format: 'csv'
  /** Counted in the table's first line. Right if no quoted text there contains a delimiter. */
  columns: number
}

export type Recognized = { format: 'parquet' } | Csv

const HEAD_BYTES = 65_536

/** Files that people upload by mistake, by their first bytes. */
const OTHERS: [string, string][] = [
  ['PK\x03\x04', 'a zip archive or an Excel workbook: unpack it, or save it as CSV'],
  ['\x1f\x8b', 'compressed with gzip: unpack it first'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd: unpack it first'],
  ['BZh', 'compressed with bzip2: unpack it first'],
  ['7z\xbc\xaf', 'a 7z archive: unpack it first'],
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook: save it as CSV'],
  ['%PDF', 'a PDF'],
  ['\xfe\xff', 'UTF-16 of the big-endian kind: save it as UTF-8'],
]

/**
 * Whether a file is a Parquet or a CSV, and in which dialect, from its first bytes.
 * @throws {PermanentError} DATA_UNREADABLE, for what is neither; DATA_TOO_WIDE
 */
export const recognize = async (
  path: string,
  given: { [K in keyof Dialect]?: Dialect[K] | undefined },
): Promise<Recognized> => {
  const head = await headOf(path)
  const magic = head.toString('latin1', 0, 4)
  if (magic === 'PAR1') return { format: 'parquet' }
  const other = OTHERS.find(([start]) => magic.startsWith(start))
  if (other) throw unreadable(`it is ${other[1]}`)
  if (head.length === 0) throw unreadable('it is empty')

  const encoding = given.encoding ?? encodingOf(head)
  const { skipLines = 0 } = given
  const lines = textOf(head, encoding)
    .split(/\r\n|\r|\n/)
    .slice(skipLines)
    .map((line) => line.replaceAll(/"[^"]*"/g, ''))
  const delimiter = given.delimiter ?? delimiterOf(lines)
  const widest = 1 + Math.max(...lines.map((line) => countOf(line, delimiter)))
  if (widest > MAX_FILE_COLUMNS) throw tooWide(widest)
  return { format: 'csv', delimiter, encoding, skipLines, columns: 1 + countOf(lines[0] ?? '', delimiter) }
}

export const tooWide = (columns: number): PermanentError =>
  new PermanentError('DATA_TOO_WIDE', `The file has ${columns} columns or more, of at most ${MAX_FILE_COLUMNS}.`)

const unreadable = (why: string): PermanentError =>
  new PermanentError('DATA_UNREADABLE', `The file can’t be read as a CSV or Parquet: ${why}.`)

const headOf = async (path: string): Promise<Buffer> => {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const encodingOf = (head: Buffer): Dialect['encoding'] => {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16'
  if (head.includes(0)) throw unreadable('it has NUL bytes, as only binary files have')
  return 'utf-8'
}

const textOf = (head: Buffer, encoding: Dialect['encoding']): string =>
  new TextDecoder({ 'utf-8': 'utf-8', 'utf-16': 'utf-16le', 'latin-1': 'windows-1252' }[encoding]).decode(head)

/** The delimiter that the most lines contain; of equals, the one that is most frequent in the first line. */
const delimiterOf = (lines: string[]): string => {
  const sample = lines.slice(0, 100)
  const score = (it: string): number =>
    sample.filter((line) => line.includes(it)).length + countOf(sample[0] ?? '', it) / HEAD_BYTES
  return [',', ';', '\t', '|'].reduce((best, it) => (score(it) > score(best) ? it : best))
}

const countOf = (line: string, delimiter: string): number => line.split(delimiter).length - 1
