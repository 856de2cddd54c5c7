import { mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

const MAX_BYTES = 20 * 1024 * 1024

export const logFolder = (dataDir: string): string => join(dataDir, 'logs')

/** Opens a process's log to append to. One that has grown large is put aside, and replaces the one put aside before. */
export const openLog = (dataDir: string, name: string): number => {
  const path = join(logFolder(dataDir), `${name}.log`)
  mkdirSync(logFolder(dataDir), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(path, `${path}.1`)
  return openSync(path, 'a')
}
