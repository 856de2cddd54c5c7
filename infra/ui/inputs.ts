import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const UI_SOURCES = join(ROOT, 'functions/dashboard/ui')
export const UI_BUILT = join(ROOT, 'functions/dashboard/dist')
/** In the built folder: what it was made of, file by file. */
export const INPUTS_FILE = 'inputs.json'

/** The hash of each file, by its path in the repository; the lock stands for every package. */
export const fingerprint = async (paths: string[]): Promise<Record<string, string>> => {
  const all = [...new Set([...paths, join(ROOT, 'package-lock.json')])].sort()
  const hashes = all.map(async (path) => [relative(ROOT, path), await hashOf(path)] as const)
  return Object.fromEntries(await Promise.all(hashes))
}

/** Whether the built dashboard is there and made of what stands in the repository now. */
export const isFresh = async (): Promise<boolean> => {
  const text = await readFile(join(UI_BUILT, INPUTS_FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return false
  const made = JSON.parse(text) as Record<string, string>
  const now = await fingerprint(Object.keys(made).map((path) => join(ROOT, path))).catch(() => undefined)
  return now !== undefined && Object.entries(made).every(([path, hash]) => now[path] === hash)
}

const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('base64url')
