import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeFileTrace } from '@vercel/nft'
import type { Metafile } from 'esbuild'

/** Copies files and folders to the same places as in the repository. */
export const copyAssets = async (root: string, paths: readonly string[], folder: string): Promise<void> => {
  for (const path of paths) await cp(join(root, path), join(folder, path), { recursive: true })
}

/**
 * Puts the files of packages there that the bundles ask for and don't hold, and no other file of these packages.
 * @param loaded what they ask for besides, in ways that can't be seen
 */
export const copyPackages = async (
  root: string,
  outputs: Metafile['outputs'],
  loaded: readonly string[],
  folder: string,
): Promise<void> => {
  const imports = Object.values(outputs).flatMap((output) => output.imports)
  const asked = imports.filter((it) => it.external && !it.path.startsWith('node:')).map(({ path }) => path)
  // No bundle lies where packages are found, so a file that only seems to be there asks in their place.
  const asker = join(root, 'asker.mjs')
  const code = [...new Set([...asked, ...loaded])].map((path) => `import '${path}'`).join('\n')
  const { fileList } = await nodeFileTrace([asker], {
    base: root,
    readFile: async (path) => (path === asker ? code : readFile(path).catch(nothing)),
  })
  fileList.delete('asker.mjs')
  for (const path of fileList) await cp(join(root, path), join(folder, path), { recursive: true })
}

/** Optional dependencies that packages do without, and folders that are loaded by name. */
const nothing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT' || error.code === 'EISDIR') return null
  throw error
}
