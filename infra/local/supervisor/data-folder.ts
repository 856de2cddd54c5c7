import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The data folder, or a file of ours in it, can't be used. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
}

/**
 * Does something with the data folder.
 * @throws {DataFolderError} that says what stands in the way, and what a person can do: it is full, read-only, somebody
 * else's, or a file in it is none of ours
 */
export const inDataFolder = async <T>(dataDir: string, use: () => T | Promise<T>): Promise<T> => {
  try {
    return await use()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    if (cause instanceof Error && 'code' in cause && cause.code === 'EMFILE')
      throw new DataFolderError(`${why}\nThis needs more open files than are allowed: ulimit -n 1024`, { cause })
    const say =
      `The data folder ${dataDir} cannot be used: ${why}\nMake it a folder that you may write to, on a disk with room, ` +
      'or choose another: STINT_DATA_DIR=.stint-2 npm start'
    throw new DataFolderError(say, { cause })
  }
}

/**
 * Makes a folder, and those above it. Node's own `recursive` loops for ever where the system says ENOENT although the folder
 * above exists, as in /proc.
 */
export const makeFolder = (path: string): void => {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(path).isDirectory()) return
    const above = dirname(path)
    if (code !== 'ENOENT' || existsSync(above)) throw error
    makeFolder(above)
    makeFolder(path)
  }
}
