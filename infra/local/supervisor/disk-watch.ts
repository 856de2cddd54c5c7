import { statfs } from 'node:fs/promises'

/** PostgreSQL allocates 16 MB at a time: with little more than that left, anything may fail. */
const LOW_BYTES = 64 * 1024 * 1024

export interface DiskWatchOptions {
  folder: string
  notice: (text: string) => void
  /** Of the disk on which the folder is. */
  freeBytes?: (folder: string) => Promise<number>
}

/**
 * Says when the disk of a folder is nearly full, and when it has room again: the logs can't, since they are on the same disk.
 * Call `look` now and then.
 */
export const createDiskWatch = ({ folder, notice, freeBytes = freeBytesOf }: DiskWatchOptions) => {
  let said = ''
  const say = (text: string): void => {
    if (text !== said) notice(text)
    said = text
  }
  return {
    look: async (): Promise<void> => {
      try {
        if ((await freeBytes(folder)) < LOW_BYTES)
          say(
            `The disk of ${folder} is full, or nearly so. Make room: what needs more is refused until then (503), and goes on by itself.`,
          )
        else if (said) say(`The disk of ${folder} has room again.`)
      } catch (error) {
        say(`${folder} cannot be looked at: ${(error as Error).message}`)
      }
    },
  }
}

const freeBytesOf = async (folder: string): Promise<number> => {
  const { bsize, bavail } = await statfs(folder)
  return bsize * bavail
}
