import { flushCompileCache } from 'node:module'
import { join, resolve } from 'node:path'

const VARIABLE = 'NODE_COMPILE_CACHE'

/** Has the processes that are started from now on share what they compile: half of what a start takes is compiling. */
export const shareCompiled = (dataDir: string): void => {
  process.env[VARIABLE] ??= join(resolve(dataDir), 'compile-cache')
}

/** The variables with which {@link startChild} hands it on. */
export const compileCacheVariables = (): Record<string, string | undefined> => ({ [VARIABLE]: process.env[VARIABLE] })

/** Writes what this process has compiled. Otherwise that is done at its end, and who is killed has none. */
export const keepCompiled = (): void => flushCompileCache()
