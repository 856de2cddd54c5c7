import type { PageRecord } from './crawl.ts'

/** Bytes of pages that a result holds, of the 256 KiB that it may have. */
const RESULT_BYTES = 180_000

/** What one page of `maxPages` may take of it. */
export const pageBudget = (maxPages: number): number => Math.floor(RESULT_BYTES / maxPages)

/**
 * A page with as much of its lists as its budget has room for: headings first, then links, then images.
 * The rest of a page has 1.5 KB at most, in ASCII.
 */
export const trim = (page: PageRecord, budgetBytes: number): PageRecord => {
  let left = budgetBytes - sizeOf({ ...page, headings: [], links: [], images: [] })
  const fitting = <T>(items: T[]): T[] => {
    const kept: T[] = []
    for (const item of items) {
      left -= sizeOf(item) + 1
      if (left < 0) break
      kept.push(item)
    }
    return kept
  }
  const headings = fitting(page.headings)
  const links = fitting(page.links)
  return { ...page, headings, links, images: fitting(page.images) }
}

/** Whether a page was cut. */
export const isCut = ({ headings, links, images, counts }: PageRecord): boolean =>
  headings.length < counts.headings || links.length < counts.links || images.length < counts.images

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
