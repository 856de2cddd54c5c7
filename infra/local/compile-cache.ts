import { flushCompileCache } from 'node:module'

const VARIABLE = 'NODE_COMPILE_CACHE'

/** The variables with which {@link startChild} hands the cache on that `start.mjs` has chosen. */
export const compileCacheVariables = (): Record<string, string | undefined> => ({ [VARIABLE]: process.env[VARIABLE] })

/** Writes what this process has compiled. Otherwise that is done at its end, and who is killed has none. */
export const keepCompiled = (): void => flushCompileCache()
