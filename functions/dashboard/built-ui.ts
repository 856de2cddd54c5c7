import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { etagOf } from '../../lib/http/etag.ts'

/** The output of `npm run build:ui`: `index.html`, and `assets/` with a hash of their contents in their names. */
const BUILT_UI = fileURLToPath(new URL('./dist/', import.meta.url))

export interface BuiltFile {
  bytes: Buffer
  /** The same, compressed with Brotli; undefined where that is no gain. */
  brotli: Buffer | undefined
  contentType: string
  etag: string
}

const CONTENT_TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
}

let built: Map<string, BuiltFile> | undefined

/** The built dashboard's files by name, read once; none where it has not been built. */
export const builtUi = async (): Promise<Map<string, BuiltFile>> => {
  const files = built ?? (await readAll())
  // Not cached while it isn't built.
  if (files.size > 0) built = files
  return files
}

const readAll = async (): Promise<Map<string, BuiltFile>> => {
  const names = await readdir(BUILT_UI, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const shown = names.filter((name) => CONTENT_TYPES[endingOf(name)] !== undefined)
  return new Map(await Promise.all(shown.map(async (name) => [name, await readBuilt(name, names)] as const)))
}

const readBuilt = async (name: string, names: string[]): Promise<BuiltFile> => {
  const bytes = await readFile(BUILT_UI + name)
  return {
    bytes,
    brotli: names.includes(`${name}.br`) ? await readFile(`${BUILT_UI}${name}.br`) : undefined,
    contentType: CONTENT_TYPES[endingOf(name)] ?? '',
    etag: etagOf(bytes),
  }
}

const endingOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
