import { type PageOf, type QueryOptions, useQuery } from './query.ts'

/** What was read of a list that grows at its end, and the cursor of its last page. */
interface Read<T> {
  items: T[]
  beforeLast: number
  cursor: string | undefined
  isCut: boolean
}

/** How many items are kept. They are the latest ones, which people look for. */
const MAX_ITEMS = 2_000

const reads = new Map<string, Read<unknown>>()

/**
 * A list that grows at its end, oldest first: what is known stays, and only its last page is asked for again.
 * @returns the items, and whether there were more before them
 */
export const useTail = <T>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<PageOf<T>>,
  options: QueryOptions,
) => {
  const query = useQuery(
    key,
    async (signal) => {
      let read = (reads.get(key) as Read<T> | undefined) ?? {
        items: [],
        beforeLast: 0,
        cursor: undefined,
        isCut: false,
      }
      for (;;) {
        const page = await load(read.cursor, signal)
        const all = [...read.items.slice(0, read.beforeLast), ...page.items]
        const items = all.slice(-MAX_ITEMS)
        const isCut = read.isCut || items.length < all.length
        if (!page.nextCursor) {
          reads.set(key, { items, beforeLast: items.length - page.items.length, cursor: read.cursor, isCut })
          return { items, isCut }
        }
        read = { items, beforeLast: items.length, cursor: page.nextCursor, isCut }
        reads.set(key, read)
      }
    },
    options,
  )
  return { items: query.data?.items, isCut: query.data?.isCut ?? false, problem: query.problem }
}
