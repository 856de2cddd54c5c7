import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder } from '../supervisor/data-folder.ts'

export interface Lock {
  release(): void
}

const SQLITE_BUSY = 5

/** Keeps the databases from the garbage collector, which would close them and so release their locks. */
const held = new Set<DatabaseSync>()

/**
 * Takes a folder for this process. Undefined if another process has it.
 *
 * The lock is an exclusive SQLite transaction that stays open. For that, SQLite holds a lock of the operating system (fcntl,
 * LockFileEx), which ends with the process, however it ends. A file with a process id would outlive a SIGKILL, and the id could
 * be another process's by then. Node itself can't lock files.
 */
export const acquireLock = (dataDir: string): Lock | undefined => {
  makeFolder(dataDir)
  // SQLite would only say that it can't open a file.
  accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  const path = join(dataDir, 'lock.db')
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined
    // SQLite doesn't name the file.
    throw new Error(`${path}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  held.add(database)
  return {
    release() {
      held.delete(database)
      database.close()
    },
  }
}
