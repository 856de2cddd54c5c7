import { know, type PageOf, type QueryOptions, useQuery } from './query.ts'

/** The part of a growing list that was read: its end, without a gap. */
export interface Read<T> {
  /** Oldest first. */
  items: T[]
  /** The cursor of the items before them; null when there are none. */
  earlier: string | null
  /** The most items that are kept. */
  room: number
}

type Load<T> = (cursor: string | undefined, signal?: AbortSignal) => Promise<PageOf<T>>

/** How many items are kept; more only if somebody asks for earlier ones. */
const MAX_ITEMS = 2_000
/** How many pages are read at once. To catch up: if there is more, the list begins again with these pages. */
const MAX_PAGES = 10

const reads = new Map<string, Read<{ id: number }>>()

/**
 * A list that grows at its end and may be long, by pages that have the newest first: its last page is asked for again and
 * again, and those before it when somebody wants them.
 */
export const useNewest = <T extends { id: number }>(key: string, load: Load<T>, options: QueryOptions) => {
  const known = () => reads.get(key) as Read<T> | undefined
  const keep = (read: Read<T>): Read<T> => {
    reads.set(key, read)
    return read
  }
  const query = useQuery(
    key,
    async (signal) => keep(await readNewest((cursor) => load(cursor, signal), known)),
    options,
  )
  /** Reads several pages. `before` is called right before they are shown. */
  const readEarlier = async (before: () => void): Promise<void> => {
    const from = known()?.earlier
    let [cursor, earlier] = [from, [] as T[]]
    for (let pages = 0; typeof cursor === 'string' && pages < MAX_PAGES; pages++) {
      const page: PageOf<T> = await load(cursor)
      earlier = [...page.items.toReversed(), ...earlier]
      cursor = page.nextCursor
    }
    const now = known()
    // There were none, or the list was started again meanwhile.
    if (typeof from !== 'string' || now?.earlier !== from) return
    const read = { items: [...earlier, ...now.items], earlier: cursor ?? null, room: now.room + earlier.length }
    before()
    know<Read<T>>(key, () => keep(read))
  }
  return { items: query.data?.items, hasEarlier: query.data?.earlier != null, problem: query.problem, readEarlier }
}

/** Adds what is new to what is `known`: from the newest page back to where they meet. */
export const readNewest = async <T extends { id: number }>(
  load: (cursor: string | undefined) => Promise<PageOf<T>>,
  known: () => Read<T> | undefined,
): Promise<Read<T>> => {
  const newest = await load(undefined)
  let [page, fresh] = [newest, [] as T[]]
  for (let pages = 1; ; pages++) {
    // Earlier ones may be read at the same time.
    const { items, earlier, room } = known() ?? { items: [], earlier: null, room: MAX_ITEMS }
    const last = items.at(-1)?.id
    fresh = [...page.items.filter((it) => last === undefined || it.id > last).toReversed(), ...fresh]
    if (last !== undefined && page.items.some((it) => it.id <= last)) {
      if (items.length + fresh.length <= room) return { items: [...items, ...fresh], earlier, room }
      return { items: newest.items.toReversed(), earlier: newest.nextCursor, room: MAX_ITEMS }
    }
    if (last === undefined || page.nextCursor === null || pages === MAX_PAGES)
      return { items: fresh, earlier: page.nextCursor, room: MAX_ITEMS }
    page = await load(page.nextCursor)
  }
}
