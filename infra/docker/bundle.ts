import { rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resolveBinary } from 'dbmate'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { readRoutingTable } from '../local/host/routing-table.ts'
import { demandUi } from '../ui/prepare.ts'
import { copyAssets, copyPackages } from './copied.ts'
import { fileAddresses } from './file-addresses.ts'
import { plainHttp } from './plain-http.ts'

// `node infra/docker/bundle.ts FOLDER`: everything that a function needs to run, and nothing else.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Packages that read files of their own, next to their code: libraries in machine code, WebAssembly, threads, fonts.
 * They stay whole packages; of all others only the code that is reached goes into the bundles.
 */
const WHOLE = ['@duckdb/node-api', '@node-rs/argon2', 'onnxruntime-web', 'pdfkit', 'piscina', 'sharp']

/** Files that they load by addresses made up at run time, which can't be found in the code. */
const LOADED = ['onnxruntime-web/ort-wasm-simd-threaded.mjs']

/** Bundled CommonJS packages still load Node's modules by `require`, which a module doesn't have. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`

/** The folder of shared code: as deep as the functions', so that relative addresses are the same in both. */
const SHARED = 'functions/shared'

/**
 * Which functions are built together. What they share lies in one file for each set of them that needs it, and a function
 * loads the files of all sets that it is in, at some 0.5 ms each: 7 to 33, and up to 56 if all were built together.
 */
const groupOf = (file: string): string => {
  if (KNOWING_ALL_KINDS.has(file)) return 'all kinds'
  return file.startsWith('functions/http/') ? 'http' : 'others'
}
const KNOWING_ALL_KINDS = new Set([
  'functions/http/submissions',
  'functions/http/rpc',
  'functions/http/jobs',
  'functions/queue/worker',
])

export interface Bundle {
  folder: string
  /** What esbuild reports about each file that it made. */
  outputs: Metafile['outputs']
}

/** Every file that Lambda calls, as `functions/http/auth`, in the order of the routing table. */
export const functionFiles = (): string[] => {
  const entries = Object.values(readRoutingTable(join(ROOT, 'serverless.yml'))).flat()
  const files = entries.flatMap((entry) => ('handlerFile' in entry ? [entry.handlerFile.replace(/\.ts$/, '')] : []))
  return [...new Set(files)]
}

/** Makes `functions/<trigger>/<file>.mjs` of every function, with source maps, and puts beside them what they read. */
export const bundle = async (folder: string): Promise<Bundle> => {
  await Promise.all([rm(folder, { recursive: true, force: true }), demandUi()])
  const addresses = fileAddresses(ROOT)
  const groups = Object.values(Object.groupBy([...functionFiles(), ...addresses.modules], groupOf))
  const built = await Promise.all(groups.map((files = []) => build(optionsOf(files, folder, addresses.plugin))))
  const outputs: Bundle['outputs'] = Object.assign({}, ...built.map(({ metafile }) => metafile.outputs))
  await copyAssets(ROOT, [...addresses.assets, relative(ROOT, resolveBinary())], folder)
  await copyPackages(ROOT, outputs, LOADED, folder)
  return { folder, outputs }
}

const optionsOf = (files: string[], folder: string, addresses: Plugin) =>
  ({
    absWorkingDir: ROOT,
    entryPoints: files.map((file) => ({ in: `${file}.ts`, out: file })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: `${SHARED}/[name]-[hash]`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Of packages that also come as ES modules, unused code is left out.
    mainFields: ['module', 'main'],
    external: WHOLE,
    minify: true,
    // Errors are recognized and logged by their names.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: REQUIRE },
    plugins: [addresses, plainHttp],
    metafile: true,
    logLevel: 'warning',
  }) satisfies BuildOptions

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder] = process.argv
  if (!folder) {
    console.error('usage: node infra/docker/bundle.ts FOLDER')
    process.exit(2)
  }
  const { outputs } = await bundle(resolve(folder))
  console.log(`${functionFiles().length} functions in ${resolve(folder)}, ${Object.keys(outputs).length} files of code`)
}
