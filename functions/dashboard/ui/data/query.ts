import { effect, type Signal, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ProblemError, UnreachableError } from '../../../../lib/client/problem-error.ts'
import { changes, noteReached, noteUnreachable } from './live.ts'

/** The state of a query: the latest answer, and the latest error. */
interface Known<T> {
  /** The latest answer; kept while the next one is asked for, and when that fails. */
  data: T | undefined
  /** Why the latest request failed. */
  problem: Error | undefined
}

export interface Query<T> extends Known<T> {
  /** Asks again, and waits for the answer. */
  reload: () => Promise<void>
}

interface Entry {
  known: Signal<Known<unknown>>
  load: (signal: AbortSignal) => Promise<unknown>
  running: { controller: AbortController; done: Promise<void> } | undefined
  startedAt: number
}

/** By key, so that a page that is opened again shows at once what it showed before. */
const entries = new Map<string, Entry>()

/** Lists change with every job, but aren't read more often than this. */
const LIST_PAUSE_MS = 1_000
/** How soon a request that may succeed later is repeated, unless the API says when. */
const RETRY_MS = 5_000

/** A page of a list, as the API answers. */
export interface PageOf<T> {
  items: T[]
  nextCursor: string | null
}

export interface QueryOptions {
  /** The one job whose changes are changes to this answer. Without it, those of any job are. */
  job?: string | undefined
  /** For what changes without any job changing: how often to ask while the page is visible. */
  everyMs?: number | undefined
  /** For what costs more than a list: the least time between two requests, however much changes. */
  pauseMs?: number | undefined
  /** For what doesn't change when jobs do. */
  still?: boolean | undefined
}

/** Asks for something, shows what is known of it, and asks again when it may have changed. */
export const useQuery = <T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { job, everyMs, still, pauseMs = job ? 0 : LIST_PAUSE_MS }: QueryOptions = {},
): Query<T> => {
  const entry = entryOf(key, load)
  entry.load = load
  useEffect(() => {
    void run(entry)
    const timer = everyMs && setInterval(() => document.hidden || void run(entry), everyMs)
    const stopRetrying = retryWhileItFails(entry)
    const isConcerned = (jobIds: ReadonlySet<string> | undefined): boolean => {
      if (still) return !jobIds && entry.known.peek().problem !== undefined
      return !job || !jobIds || jobIds.has(job)
    }
    // One request for all changes that come until then.
    let next: ReturnType<typeof setTimeout> | undefined
    const unsubscribe = changes.subscribe((jobIds) => {
      if (next !== undefined || !isConcerned(jobIds)) return
      next = setTimeout(
        () => {
          next = undefined
          void runAnew(entry)
        },
        entry.startedAt + pauseMs - performance.now(),
      )
    })
    return () => {
      unsubscribe()
      stopRetrying()
      clearInterval(timer)
      clearTimeout(next)
    }
  }, [key, everyMs])
  return { ...(entry.known.value as Known<T>), reload: () => runAnew(entry) }
}

/** Changes the kept answer without asking the API. */
export const know = <T>(key: string, change: (data: T) => T): void => {
  const entry = entries.get(key)
  const data = entry?.known.peek().data
  if (entry && data !== undefined) entry.known.value = { data: change(data as T), problem: undefined }
}

/** Forgets all answers: another person signed in, or nobody is. */
export const forgetAll = (): void => {
  for (const { running } of entries.values()) running?.controller.abort()
  entries.clear()
}

const entryOf = (key: string, load: Entry['load']): Entry => {
  const known = entries.get(key)
  if (known) return known
  const entry: Entry = {
    known: signal({ data: undefined, problem: undefined }),
    load,
    running: undefined,
    startedAt: Number.NEGATIVE_INFINITY,
  }
  entries.set(key, entry)
  return entry
}

/** At most one request of a key at a time; callers that come meanwhile share its answer. */
const run = (entry: Entry): Promise<void> => {
  if (entry.running) return entry.running.done
  const controller = new AbortController()
  entry.startedAt = performance.now()
  entry.running = { controller, done: ask(entry, controller) }
  return entry.running.done
}

const ask = async (entry: Entry, { signal }: AbortController): Promise<void> => {
  try {
    const data = await entry.load(signal)
    if (signal.aborted) return
    entry.known.value = { data, problem: undefined }
    noteReached()
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof UnreachableError) noteUnreachable()
    entry.known.value = { data: entry.known.peek().data, problem: error as Error }
  } finally {
    entry.running = undefined
  }
}

const retryWhileItFails = (entry: Entry): (() => void) =>
  effect(() => {
    const { problem } = entry.known.value
    if (!problem || !isPassing(problem)) return
    const waitMs = problem instanceof ProblemError ? (problem.retryAfterSeconds ?? 0) * 1_000 || RETRY_MS : RETRY_MS
    // A page that comes to the front again asks by itself.
    const timer = setTimeout(() => document.hidden || void run(entry), waitMs)
    return () => clearTimeout(timer)
  })

/** Whether the same request may succeed later. */
const isPassing = (problem: Error): boolean =>
  !(problem instanceof ProblemError) || problem.status >= 500 || problem.status === 429

/** Asks again after a request that is under way, whose answer may be older than what was just done. */
const runAnew = async (entry: Entry): Promise<void> => {
  await entry.running?.done
  await run(entry)
}
