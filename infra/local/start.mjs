import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// `npm start`. This process and those that it starts share what they compile: half of what a start takes is compiling.
// It is no TypeScript: what takes the types out of the first such file stays in the memory, 20 MB of it, of a process
// that has no cache by then.

/** Beside the packages, and not in a data folder: a new one is no new code. Where it can't be written, there is none. */
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../node_modules/.cache/stint', import.meta.url))

enableCompileCache(process.env.NODE_COMPILE_CACHE)
await import('./start.ts')
