import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The documents that people write. */
export const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'patches/README.md',
  'infra/local/README.md',
  ...readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' }).flatMap((name) =>
    name.endsWith('.md') ? [`docs/${name}`] : [],
  ),
]

export const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

export interface Block {
  /** `ts`, `sh`, `json`; empty for plain ones. */
  language: string
  /** What stands behind it: for an excerpt, the file that it is from. */
  file: string
  /** The word in a comment above it. */
  name: string
  text: string
}

const BLOCK = /(?:^<!-- (\w+) -->\n)?^```(\w*) ?([^\n]*)\n(.*?)^```$/gms

/** The fenced blocks of a document. */
export const blocksOf = (path: string): Block[] =>
  [...read(path).matchAll(BLOCK)].map(([, name = '', language = '', file = '', text = '']) => ({
    language,
    file,
    name,
    text,
  }))

/** A document without its blocks. */
export const proseOf = (path: string): string => read(path).replaceAll(BLOCK, '')

/** As GitHub makes anchors of headings. */
export const anchorsOf = (path: string): string[] =>
  [...proseOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  )
