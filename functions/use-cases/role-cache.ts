import { LRUCache } from 'lru-cache'
import type { Pool } from '../../db/client.ts'
import type { App } from '../../lib/app.ts'
import { memoizeByOwner } from '../../lib/core/by-owner.ts'
import { isRecent } from '../../lib/core/clock.ts'

/**
 * How long a process trusts what it has read about a person's role. A change of role, a removal or a project's deletion takes
 * effect within this time everywhere, and from the next request on in the process that made it.
 */
const ROLE_SECONDS = 5
const MAX_ENTRIES = 10_000

interface Entry {
  value: string
  readMs: number
}

/** What `key` stands for: read at most {@link ROLE_SECONDS} ago, or now. */
export const remember = async <T extends string>(
  app: Pick<App, 'sql' | 'clock'>,
  key: string,
  read: () => Promise<T | null>,
): Promise<T | null> => {
  const { entries } = cacheOf(app)
  const entry = entries.get(key)
  if (entry && isRecent(app.clock, entry.readMs, ROLE_SECONDS * 1_000)) return entry.value as T
  const readMs = app.clock.now()
  const value = await read()
  if (value === null) entries.delete(key)
  else entries.set(key, { value, readMs })
  return value
}

/** Makes this process read everything again, after it changed somebody's role. */
export const forgetRoles = (app: Pick<App, 'sql'>): void => {
  // Replaced, not emptied: a read that began before the change stores what it found in the old cache.
  cacheOf(app).entries = newEntries()
}

const newEntries = () => new LRUCache<string, Entry>({ max: MAX_ENTRIES })

const cacheOfPool = memoizeByOwner((_: Pool) => ({ entries: newEntries() }))

/** By database. Only roles that exist are kept, so that somebody who is let in gets in at once. */
const cacheOf = ({ sql }: Pick<App, 'sql'>): { entries: LRUCache<string, Entry> } => cacheOfPool(sql)
