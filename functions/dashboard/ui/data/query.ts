import { type Signal, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { UnreachableError } from '../../../../lib/client/problem-error.ts'
import { changes, noteUnreachable } from './live.ts'

/** What is known of something that the API gives. */
export interface Known<T> {
  /** The latest answer; kept while the next one is asked for, and when that fails. */
  data: T | undefined
  /** Why the latest question failed. */
  problem: Error | undefined
}

export interface Query<T> extends Known<T> {
  reload: () => Promise<void>
}

interface Entry {
  known: Signal<Known<unknown>>
  load: (signal: AbortSignal) => Promise<unknown>
  running: AbortController | undefined
  again: boolean
}

/** By key: a page that was seen before shows at once what it showed then. */
const entries = new Map<string, Entry>()

export interface QueryOptions {
  /** The one job whose changes are changes to this answer. Without it, those of any job are. */
  job?: string | undefined
  /** For what changes without a job's doing, how often it is asked for while somebody looks. */
  everyMs?: number | undefined
  /** For what only a person changes. */
  still?: boolean | undefined
}

/** Asks for something, shows what is known of it, and asks again when it may have changed. */
export const useQuery = <T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { job, everyMs, still }: QueryOptions = {},
): Query<T> => {
  const entry = entryOf(key, load)
  entry.load = load
  useEffect(() => {
    void run(entry)
    if (still) return
    const timer = everyMs && setInterval(() => document.hidden || void run(entry), everyMs)
    const unsubscribe = changes.subscribe((jobIds) => {
      if (!job || !jobIds || jobIds.has(job)) void run(entry)
    })
    return () => {
      unsubscribe()
      clearInterval(timer)
    }
  }, [key, everyMs])
  return { ...(entry.known.value as Known<T>), reload: () => run(entry) }
}

/** Writes into what is known, before the API has told. */
export const know = <T>(key: string, change: (data: T) => T): void => {
  const entry = entries.get(key)
  const data = entry?.known.peek().data
  if (entry && data !== undefined) entry.known.value = { data: change(data as T), problem: undefined }
}

/** For another person, or for nobody. */
export const forgetAll = (): void => {
  for (const { running } of entries.values()) running?.abort()
  entries.clear()
}

const entryOf = (key: string, load: Entry['load']): Entry => {
  const known = entries.get(key)
  if (known) return known
  const entry: Entry = {
    known: signal({ data: undefined, problem: undefined }),
    load,
    running: undefined,
    again: false,
  }
  entries.set(key, entry)
  return entry
}

/** One question at a time: what changes while one is under way is asked for once more after it. */
const run = async (entry: Entry): Promise<void> => {
  if (entry.running) {
    entry.again = true
    return
  }
  const controller = new AbortController()
  entry.running = controller
  try {
    const data = await entry.load(controller.signal)
    if (!controller.signal.aborted) entry.known.value = { data, problem: undefined }
  } catch (error) {
    if (controller.signal.aborted) return
    if (error instanceof UnreachableError) noteUnreachable()
    entry.known.value = { data: entry.known.peek().data, problem: error as Error }
  } finally {
    entry.running = undefined
  }
  if (!entry.again) return
  entry.again = false
  await run(entry)
}
