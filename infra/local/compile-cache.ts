import { flushCompileCache } from 'node:module'

const VARIABLE = 'NODE_COMPILE_CACHE'

/** The variables by which child processes get the compile cache that `start.mjs` has chosen. */
export const compileCacheVariables = (): Record<string, string | undefined> => ({ [VARIABLE]: process.env[VARIABLE] })

/** Writes what this process has compiled so far. Node does it only at the end, which a killed process doesn't reach. */
export const keepCompiled = (): void => flushCompileCache()
