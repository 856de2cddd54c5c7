import { flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

const VARIABLE = 'NODE_COMPILE_CACHE'

/** Beside the packages, and not in a data folder: a new one is no new code. Where it can't be written, there is none. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/stint', import.meta.url))

/** Has the processes that are started from now on share what they compile: half of what a start takes is compiling. */
export const shareCompiled = (): void => {
  process.env[VARIABLE] ??= FOLDER
}

/** The variables with which {@link startChild} hands it on. */
export const compileCacheVariables = (): Record<string, string | undefined> => ({ [VARIABLE]: process.env[VARIABLE] })

/** Writes what this process has compiled. Otherwise that is done at its end, and who is killed has none. */
export const keepCompiled = (): void => flushCompileCache()
