import { setTimeout as after } from 'node:timers/promises'
import type { SafePoint } from '../../../lib/jobs/define.ts'
import { MAX_MEMORY_BYTES } from './memory.ts'

/** How often a waiting picture checks whether there is room for it. At each check it can be stopped. */
const CHECK_MS = 200

const line: object[] = []
let takenBytes = 0

/**
 * Does a picture's work once there is room for what it takes beside the other pictures of this process. They come in
 * turn, so that small ones never keep a large one waiting for good. While it waits, it passes safe points.
 * @param bytes at most {@link MAX_MEMORY_BYTES}, or it would wait for ever
 */
export async function* inTurn<T>(bytes: number, work: () => Promise<T>): AsyncGenerator<SafePoint<never>, T, void> {
  const place = {}
  line.push(place)
  try {
    while (line[0] !== place || takenBytes + bytes > MAX_MEMORY_BYTES) {
      yield {}
      await after(CHECK_MS)
    }
    takenBytes += bytes
  } finally {
    line.splice(line.indexOf(place), 1)
  }
  try {
    return await work()
  } finally {
    takenBytes -= bytes
  }
}
