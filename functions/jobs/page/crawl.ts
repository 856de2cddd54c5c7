import { z } from 'zod'

/** Addresses of the site that are kept for a visit; all of them are in each checkpoint. */
const MAX_FOUND = 3_000
const MAX_FOUND_BYTES = 300_000

/** Broken links beyond these are counted and not kept. */
const MAX_BROKEN = 30

const found = z.object({
  url: z.string(),
  from: z.int().nullable().meta({ description: 'The page that links to it: its place in this list' }),
  depth: z.int().nullable().meta({ description: 'Links away from the start; null: only asked whether it answers' }),
})
type Found = z.infer<typeof found>

export const pageRecord = z.object({
  url: z.string().meta({ description: 'After redirects' }),
  depth: z.int().meta({ description: 'Links away from the start' }),
  status: z.int(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  language: z.string().nullable().meta({ description: 'As the page says' }),
  charset: z.string(),
  sizeBytes: z.int(),
  words: z.int(),
  headings: z.array(z.object({ level: z.int(), text: z.string() })),
  links: z.array(z.object({ url: z.string(), text: z.string() })),
  images: z.array(z.object({ url: z.string(), alt: z.string() })),
  counts: z
    .object({ headings: z.int(), links: z.int(), images: z.int() })
    .meta({ description: 'How many there are, also where the lists are cut' }),
  fileId: z.uuid().nullable().meta({ description: 'Where the lists are cut: a JSON file that has them whole' }),
})
export type PageRecord = z.infer<typeof pageRecord>

export const brokenLink = z.object({
  url: z.string(),
  from: z.string().nullable().meta({ description: 'The page that links to it' }),
  status: z.int().nullable().meta({ description: 'What it answered, 400 or more; null: it did not' }),
  error: z.string().nullable().meta({ description: 'Why it did not' }),
})
export type BrokenLink = z.infer<typeof brokenLink>

/** How far a crawl has come: its checkpoint. */
export const crawl = z.object({
  site: z.string().nullable().meta({ description: 'The host that is crawled, once it is known where the start leads' }),
  found: z.array(found).meta({ description: 'In the order in which they were found' }),
  nextPage: z.int().meta({ description: 'The first that was not yet looked at as a page' }),
  nextLink: z.int().meta({ description: 'The first that was not yet looked at as a link' }),
  checkedLinks: z.int(),
  disallowed: z.int(),
  pages: z.array(pageRecord),
  brokenLinks: z.array(brokenLink),
  brokenCount: z.int(),
})
export type Crawl = z.infer<typeof crawl>

export const begin = (url: string): Crawl => ({
  site: null,
  found: [{ url: new URL(url.split('#', 1)[0] as string).href, from: null, depth: 0 }],
  nextPage: 0,
  nextLink: 0,
  checkedLinks: 0,
  disallowed: 0,
  pages: [],
  brokenLinks: [],
  brokenCount: 0,
})

export interface Limits {
  depth: number
  maxPages: number
  checkLinks: number
}

export interface Visit extends Found {
  index: number
  as: 'page' | 'link'
}

/** What is to be visited next: pages breadth first, then the links that were not visited as pages. Marks it as visited. */
export const takeNext = (crawl: Crawl, { maxPages, checkLinks }: Limits): Visit | undefined => {
  while (crawl.pages.length < maxPages && crawl.nextPage < crawl.found.length) {
    const index = crawl.nextPage++
    const it = crawl.found[index] as Found
    if (it.depth !== null) return { ...it, index, as: 'page' }
  }
  while (crawl.checkedLinks < checkLinks && crawl.nextLink < crawl.found.length) {
    const index = crawl.nextLink++
    const it = crawl.found[index] as Found
    if (it.depth !== null && index < crawl.nextPage) continue
    crawl.checkedLinks++
    return { ...it, index, as: 'link' }
  }
  return undefined
}

/** Takes note of where a page leads: pages of the site to be visited, and other links to be asked whether they answer. */
export const note = (crawl: Crawl, { depth, checkLinks }: Limits, from: Visit, url: string, urls: string[]): void => {
  const known = new Set([url, ...crawl.found.map((it) => it.url), ...crawl.pages.map((it) => it.url)])
  let bytes = crawl.found.reduce((sum, { url }) => sum + url.length, 0)
  let others = crawl.found.filter((it) => it.depth === null).length
  for (const to of urls) {
    if (known.has(to) || crawl.found.length >= MAX_FOUND || bytes + to.length > MAX_FOUND_BYTES) continue
    const inside = new URL(to).host === crawl.site && from.depth !== null && from.depth < depth
    if (!inside && others >= checkLinks) continue
    if (!inside) others++
    known.add(to)
    bytes += to.length
    crawl.found.push({ url: to, from: from.index, depth: inside ? (from.depth ?? 0) + 1 : null })
  }
}

/** Takes note of a link that leads nowhere. */
export const addBroken = (crawl: Crawl, { url, from }: Visit, why: Pick<BrokenLink, 'status' | 'error'>): void => {
  crawl.brokenCount++
  if (crawl.brokenLinks.length >= MAX_BROKEN) return
  crawl.brokenLinks.push({ url, from: from === null ? null : (crawl.found[from]?.url ?? null), ...why })
}
