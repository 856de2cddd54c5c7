import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const MAX_BYTES = 20 * 1024 * 1024
/** How much of a log is read at most, however many lines are asked for. */
const TAIL_BYTES = 512 * 1024

export const logFolder = (dataDir: string): string => join(dataDir, 'logs')

export const logPath = (dataDir: string, name: string): string => join(logFolder(dataDir), `${name}.log`)

/**
 * Opens a process's log for appending. One that has grown large is put aside, in place of the one put aside before. If that fails,
 * as with no descriptor left or on a full disk, the log goes to this process's own output: a process without a log is no reason
 * to end.
 */
export const openLog = (dataDir: string, name: string, onFailed: (error: unknown) => void): number => {
  const path = logPath(dataDir, name)
  try {
    mkdirSync(logFolder(dataDir), { recursive: true })
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) putAside(path)
    return openSync(path, 'a')
  } catch (error) {
    onFailed(error)
    return process.stdout.fd
  }
}

/**
 * Puts a log's last `maxBytes` aside if it has grown larger, and empties it: its writer keeps it open, and can't be told to open
 * another. Lines that are written just then are lost. @throws when there is no room to put it aside; it is emptied all the same
 */
export const trimLog = async (path: string, maxBytes = MAX_BYTES): Promise<void> => {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size <= maxBytes) return
  try {
    await pipeline(createReadStream(path, { start: size - maxBytes }), createWriteStream(`${path}.1`))
  } finally {
    await truncate(path)
  }
}

const putAside = (path: string): void => {
  if (existsSync(path)) renameSync(path, `${path}.1`)
}

/** The log of a process that hands its lines over instead of writing them itself. */
export const createLineLog = (dataDir: string, name: string): { write(line: string): void; end(): void } => {
  mkdirSync(logFolder(dataDir), { recursive: true })
  const log = appendTo(logPath(dataDir, name), MAX_BYTES)
  return { write: (line) => log.write(`${line}\n`), end: log.end }
}

/**
 * Appends to a file. At `maxBytes` the file is put aside, in place of the one put aside before. What a full disk has no room for
 * is lost: it must not end the process that keeps the stack running.
 */
export const appendTo = (path: string, maxBytes: number, mode = 0o666): { write(text: string): void; end(): void } => {
  const open = () => openSync(path, 'a', mode)
  let fd = open()
  let sizeBytes = fstatSync(fd).size
  let isOpen = true
  const startAnew = (): void => {
    putAside(path)
    const made = open()
    closeSync(fd)
    fd = made
    sizeBytes = 0
  }
  return {
    write: (text) => {
      if (!isOpen) return
      try {
        if (sizeBytes > maxBytes) startAnew()
        sizeBytes += writeSync(fd, text)
      } catch {
        // The next line may find room.
      }
    },
    end: () => {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

/** The last lines of a log, oldest first; none when there is no such file. */
export const readTail = async (path: string, lines: number): Promise<string[]> => {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return []
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - TAIL_BYTES)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const all = buffer.toString('utf8', 0, bytesRead).split('\n')
    if (all.at(-1) === '') all.pop()
    // The first line may be cut.
    return (from > 0 ? all.slice(1) : all).slice(-lines)
  } finally {
    await file.close()
  }
}
