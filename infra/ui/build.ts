import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'
import { build, type Plugin } from 'vite'
import { fingerprint, INPUTS_FILE, UI_BUILT, UI_SOURCES } from './inputs.ts'

// `npm run build:ui`: makes the dashboard's page out of its sources, compresses it, and notes what it was made of.

/** A smaller file isn't worth a second one. */
const WORTH_COMPRESSING_BYTES = 1_024

const compress = promisify(brotliCompress)

const main = async (): Promise<void> => {
  // The same for tests: otherwise each element would carry its place in the sources.
  process.env['NODE_ENV'] = 'production'
  const began = performance.now()
  // Two stacks may build at once, and a third may be serving: the new folder takes the old one's place in one move.
  const next = `${UI_BUILT}.${process.pid}`
  const used = new Set<string>([
    join(UI_SOURCES, 'index.html'),
    join(UI_SOURCES, 'vite.config.ts'),
    fileURLToPath(import.meta.url),
  ])
  await build({
    root: UI_SOURCES,
    configFile: join(UI_SOURCES, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: next, emptyOutDir: true },
    plugins: [noteSources(used)],
  })
  await compressAll(join(next, 'assets'))
  await writeFile(join(next, INPUTS_FILE), JSON.stringify(await fingerprint([...used]), null, 2))
  await rename(UI_BUILT, `${next}.old`).catch(() => undefined)
  // The second of two builds at once has built the same.
  await rename(next, UI_BUILT).catch(() => rm(next, { recursive: true }))
  await rm(`${next}.old`, { recursive: true, force: true })
  console.log(`The dashboard is built, in ${((performance.now() - began) / 1_000).toFixed(1)} s.`)
}

const noteSources = (used: Set<string>): Plugin => ({
  name: 'note-sources',
  buildEnd() {
    for (const id of this.getModuleIds()) {
      const path = id.split('?')[0] ?? ''
      if (path.startsWith('/') && !path.includes('/node_modules/')) used.add(path)
    }
  },
})

const compressAll = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name))
    if (bytes.length < WORTH_COMPRESSING_BYTES) continue
    const smaller = await compress(bytes)
    if (smaller.length < bytes.length) await writeFile(join(folder, `${name}.br`), smaller)
  }
}

await main()
