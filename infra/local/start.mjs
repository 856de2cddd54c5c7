import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// `npm start`. This process and its children share a compile cache: compiling is half of a start's time. This file isn't
// TypeScript, because stripping types before the cache is enabled would load 20 MB that stay in memory.

/** Beside the packages and not in the data folder: it depends on the code only. If it can't be written, there is none. */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../node_modules/.cache/stint', import.meta.url))

enableCompileCache(process.env.NODE_COMPILE_CACHE)
await import('./start.ts')
