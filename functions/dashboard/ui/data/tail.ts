import { type QueryOptions, useQuery } from './query.ts'

interface PageOf<T> {
  items: T[]
  nextCursor: string | null
}

/** What was read of a list that grows at its end, and with which cursor its last page begins. */
interface Read<T> {
  items: T[]
  beforeLast: number
  cursor: string | undefined
}

/** A list that grows at its end is not read further than this. */
const MAX_ITEMS = 2_000

const reads = new Map<string, Read<unknown>>()

/**
 * A list that grows at its end, oldest first: what is known stays, and only its last page is asked for again.
 * @returns the items, and whether there are more than are shown
 */
export const useTail = <T>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<PageOf<T>>,
  options: QueryOptions,
) => {
  const query = useQuery(
    key,
    async (signal) => {
      let read = (reads.get(key) as Read<T> | undefined) ?? { items: [], beforeLast: 0, cursor: undefined }
      for (;;) {
        const page = await load(read.cursor, signal)
        const items = [...read.items.slice(0, read.beforeLast), ...page.items]
        if (!page.nextCursor || items.length >= MAX_ITEMS) {
          reads.set(key, { ...read, items })
          return { items, isCut: page.nextCursor !== null }
        }
        read = { items, beforeLast: items.length, cursor: page.nextCursor }
        reads.set(key, read)
      }
    },
    options,
  )
  return { items: query.data?.items, isCut: query.data?.isCut ?? false, problem: query.problem }
}
