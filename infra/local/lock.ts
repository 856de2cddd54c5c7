import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder } from './data-folder.ts'

export interface Lock {
  release(): void
}

const SQLITE_BUSY = 5

/** Keeps what is locked from the garbage collector: a database that it takes is closed, and its lock is gone unseen. */
const held = new Set<DatabaseSync>()

/**
 * Takes the data folder for this process, or gives undefined when another process has it.
 *
 * The lock is an exclusive SQLite transaction that stays open: SQLite holds it as a lock of the operating system (fcntl,
 * LockFileEx), which goes with its process however that ends. A file with a process id in it would outlive a SIGKILL,
 * and the id could be someone else's by then; Node has no call for file locks of its own.
 */
export const acquireLock = (dataDir: string): Lock | undefined => {
  makeFolder(dataDir)
  // SQLite would say no more than that it can't open a file.
  accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  const path = join(dataDir, 'lock.db')
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined
    // SQLite doesn't say of which file it speaks.
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
