import { LRUCache } from 'lru-cache'
import type { Logger } from '../core/log.ts'

/** A process writes the use of one key at most this often. */
const NOTED_MS = 60_000
/** How long uses are gathered, so that those of many keys are one write. */
const GATHER_MS = 5_000
const MAX_KEYS = 10_000

/** Notes when API keys were last used: to the minute, and after the request, so that no request waits for it. */
export interface KeyUses {
  add(keyId: string): void
  /** Writes what is noted. A failure is logged, and the next use of the keys is written again. */
  flush(): Promise<void>
}

export const createKeyUses = ({
  write,
  log,
  now,
}: {
  write: (keyIds: string[]) => Promise<void>
  log: Pick<Logger, 'warn'>
  now: () => number
}): KeyUses => {
  const notedAt = new LRUCache<string, number>({ max: MAX_KEYS })
  let used = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (used.size === 0) return
    const ids = [...used]
    used = new Set()
    try {
      await write(ids)
    } catch (error) {
      for (const id of ids) notedAt.delete(id)
      log.warn({ err: error }, 'the last use of API keys could not be written')
    }
  }

  return {
    add: (keyId) => {
      if (now() - (notedAt.get(keyId) ?? Number.NEGATIVE_INFINITY) < NOTED_MS) return
      notedAt.set(keyId, now())
      used.add(keyId)
      timer ??= setTimeout(flush, GATHER_MS).unref()
    },
    flush,
  }
}
