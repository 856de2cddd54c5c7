import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

const VARIABLE = 'NODE_COMPILE_CACHE'

/** The same folder as in `start.mjs`, which imports no TypeScript. */
export const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/stint', import.meta.url))

/** Keeps what this process compiles from now on, and takes what was kept. If the folder can't be written, there is none. */
export const useCompileCache = (): void => void enableCompileCache(process.env[VARIABLE] ?? COMPILE_CACHE)

/** The variables by which child processes get the compile cache that `start.mjs` has chosen. */
export const compileCacheVariables = (): Record<string, string | undefined> => ({ [VARIABLE]: process.env[VARIABLE] })

/** Writes what this process has compiled so far. Node does it only at the end, which a killed process doesn't reach. */
export const keepCompiled = (): void => flushCompileCache()
