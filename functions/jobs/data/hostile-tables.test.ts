import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runKind } from '../../../tests/support/run-kind.ts'
import { parquetOf } from '../../../tests/support/tables.ts'
import { dataAnalyze } from '../data-analyze.ts'

// What strangers upload: each is a clear error, soon.

const FILE_ID = '01a20610-c261-73fa-ae02-ca29c6614cbc'

const analyze = (chunks: Iterable<Buffer>) =>
  runKind(dataAnalyze, {
    input: { fileId: FILE_ID },
    context: {
      files: {
        read: () => Promise.reject(new Error('it is not to be held')),
        open: async () => ({
          ...{ fileId: FILE_ID, name: 'a', contentType: 'text/csv' },
          stream: Readable.from(chunks),
        }),
        write: async ({ bytes }) => ({ fileId: FILE_ID, sizeBytes: bytes.byteLength }),
        remove: async () => {},
      },
    },
  })

/** Half a gigabyte that needs none. */
function* endless(head: string): Generator<Buffer> {
  yield Buffer.from(head)
  const chunk = Buffer.alloc(1_000_000, 'x')
  for (let left = 500; left > 0; left--) yield chunk
}

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

describe('a CSV that is none', () => {
  test.for([
    ['junk', [randomBytes(300_000)], /NUL bytes/],
    ['nothing', [], /is empty/],
    ['a line of half a gigabyte', endless(''), /line of more than 2000000 bytes/],
    ['a value of half a gigabyte', endless('a,b\n1,2\n3,'), /line of more than 2000000 bytes/],
    ['10 000 columns', ['a,'.repeat(10_000), '\n', '1,'.repeat(10_000)], /10001 columns or more/],
    ['rows of different lengths', ['a,b,c\n1,2,3\n1,2\n1,2,3,4\n'], /at line 3: it has 2 columns instead of 3/],
    ['a title above its columns', ['Sales of 2024\na,b\n1,2\n3,4\n'], /at line 2: it has 2 columns instead of 1/],
    ['a short row far below', ['a,b\n', '1,2\n'.repeat(50_000), '1\n'], /at line 50002: it has 1 columns instead of 2/],
    ['a quote that is never closed', ['a,b\n1,"x\n', '2,y\n'.repeat(1_000)], /at line 2: a quote is opened and never/],
    [
      'such a quote far below',
      ['a,b\n', '1,2\n'.repeat(50_000), '1,"x\n2,3\n'],
      /at line 50002: a quote is opened and/,
    ],
    ['a zip', ['PK\x03\x04\x14\0\0\0'], /a zip archive or an Excel workbook/],
    ['gzip', [gzipSync('a,b\n1,2\n')], /compressed with gzip/],
    ['an old Excel workbook', [Buffer.from('d0cf11e0a1b11ae1', 'hex')], /an old Excel workbook/],
    ['a PDF', ['%PDF-1.7\n'], /a PDF/],
    ['UTF-16 of the other kind', [utf16('\ufeffa,b\n1,2\n')], /UTF-16 of the big-endian kind/],
    ['UTF-16 that does not say so', [utf16('a,b\n1,2\n')], /NUL bytes/],
    ['Latin-1', [Buffer.from('a,b\n1,Köln\n', 'latin1')], /at line 2: it is not UTF-8; name its `encoding`/],
  ] as const)('%s', async ([, content, message]) => {
    const chunks = (function* () {
      for (const part of content) yield Buffer.from(part as Buffer)
    })()
    await expect(analyze(chunks)).rejects.toMatchObject({
      name: 'PermanentError',
      code: expect.stringMatching(/^DATA_(UNREADABLE|TOO_WIDE)$/),
      message: expect.stringMatching(message),
    })
  })

  test('an SQL statement for a name is a name', async () => {
    const name = 'a""); DROP TABLE raw; --'
    const { result } = await analyze([Buffer.from(`"${name}",b'\n1,2\n`)])
    expect(result).toMatchObject({
      columns: [
        { name: name.replace('""', '"'), min: 1 },
        { name: "b'", min: 2 },
      ],
    })
  })
})

describe('a Parquet that lies', () => {
  let folder: string
  let good: Buffer
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stint-tables-'))
    const path = join(folder, 'good.parquet')
    await parquetOf(`SELECT i, i * 0.5::DOUBLE AS x, 'v' || (i % 7) AS s FROM range(20_000) r(i)`, path)
    good = await readFile(path)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Its footer, and the four bytes that say how long that is, lie at the end. */
  const changed = (
    change: (bytes: Buffer, footer: { start: number; length: number }) => Buffer | undefined,
  ): Buffer => {
    const bytes = Buffer.from(good)
    const length = bytes.readUInt32LE(bytes.length - 8)
    return change(bytes, { start: bytes.length - 8 - length, length }) ?? bytes
  }

  test('is read where it does not', async () => {
    expect((await analyze([good])).result).toMatchObject({ format: 'parquet', rows: 20_000 })
  })

  test.for([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['nothing but its first bytes', (bytes: Buffer) => bytes.subarray(0, 4)],
    ['a footer longer than the file', (bytes: Buffer) => void bytes.writeUInt32LE(0x7fffffff, bytes.length - 8)],
    ['no footer', (bytes: Buffer) => void bytes.writeUInt32LE(0, bytes.length - 8)],
    [
      'a footer of junk',
      (bytes: Buffer, { start, length }: { start: number; length: number }) =>
        void randomBytes(length).copy(bytes, start),
    ],
    ['pages of junk', (bytes: Buffer, { start }: { start: number }) => void randomBytes(start - 4).copy(bytes, 4)],
    ['pages of zeros', (bytes: Buffer, { start }: { start: number }) => void bytes.fill(0, 4, start)],
  ] as const)('%s', async ([, change]) => {
    await expect(analyze([changed(change)])).rejects.toMatchObject({
      name: 'PermanentError',
      code: expect.stringMatching(/^DATA_(UNREADABLE|TOO_LARGE)$/),
    })
  })
})
