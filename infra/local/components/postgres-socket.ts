import { rm } from 'node:fs/promises'
import { join } from 'node:path'

// A statement over a Unix socket costs both ends less than over TCP: of all CPU time a job that is submitted and run at
// once took 8 to 14 % less (`npm run bench -- --only consuming`).

/** What the name of a socket may have on every system; macOS allows the least. */
const MAX_NAME_BYTES = 103

/**
 * The folder for a server's Unix socket, free of what a killed server left there: its lock file says a process id that
 * another process may have by now. Nobody else runs in the folder.
 * @returns undefined where there can be none
 */
export const freeSocketFolder = async (folder: string, port: number): Promise<string | undefined> => {
  const socket = join(folder, `.s.PGSQL.${port}`)
  if (process.platform === 'win32' || Buffer.byteLength(socket) > MAX_NAME_BYTES) return undefined
  await Promise.all([socket, `${socket}.lock`].map((file) => rm(file, { force: true })))
  return folder
}

/** The server's settings for it. */
export const socketSettings = (folder: string | undefined): Record<string, string> => ({
  // A list: commas would begin another folder.
  unix_socket_directories: folder === undefined ? '' : `"${folder.replaceAll('"', '""')}"`,
})
