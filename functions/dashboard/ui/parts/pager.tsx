import { useLocation } from 'preact-iso'
import { addressWith } from '../data/address.ts'

/** Links to what is older, and back. Each page begins at a certain item, so it stays the same while new ones come. */
export const Pager = ({ nextCursor, older = 'Older' }: { nextCursor: string | null; older?: string }) => {
  const { path, query } = useLocation()
  if (!nextCursor && query['cursor'] === undefined) return null
  return (
    <nav class="pager" aria-label="Pages of the list">
      {query['cursor'] !== undefined && (
        <a class="button" href={addressWith(path, query, { cursor: undefined })}>
          Newest
        </a>
      )}
      {nextCursor && (
        <a class="button" href={addressWith(path, query, { cursor: nextCursor })} rel="next">
          {older}
        </a>
      )}
    </nav>
  )
}
