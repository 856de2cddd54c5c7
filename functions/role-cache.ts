import { LRUCache } from 'lru-cache'
import type { Pool } from '../db/client.ts'
import type { App } from '../lib/app.ts'
import { isRecent } from '../lib/core/clock.ts'

/**
 * How long a process believes what it read about a person's role. A change of role, a removal or a project's deletion
 * takes effect within these seconds everywhere, and for the next request in the process that did it.
 */
const ROLE_SECONDS = 5
const MAX_ENTRIES = 10_000

interface Entry {
  value: string
  readMs: number
}

/** By database. Only what is there is kept, so that who is let in gets in at once. */
const caches = new WeakMap<Pool, LRUCache<string, Entry>>()

/** What `key` stands for: read at most {@link ROLE_SECONDS} ago, or now. */
export const remember = async <T extends string>(
  app: App,
  key: string,
  read: () => Promise<T | null>,
): Promise<T | null> => {
  const cache = cacheOf(app)
  const entry = cache.get(key)
  if (entry && isRecent(app.clock, entry.readMs, ROLE_SECONDS * 1_000)) return entry.value as T
  const readMs = app.clock.now()
  const value = await read()
  if (value === null) cache.delete(key)
  else cache.set(key, { value, readMs })
  return value
}

/** Makes this process read everything anew, after it changed who may do what. */
export const forgetRoles = (app: App): void => cacheOf(app).clear()

const cacheOf = (app: App): LRUCache<string, Entry> => {
  const existing = caches.get(app.sql)
  if (existing) return existing
  const made = new LRUCache<string, Entry>({ max: MAX_ENTRIES })
  caches.set(app.sql, made)
  return made
}
