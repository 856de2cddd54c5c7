import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { begin, brokenLink, type Crawl, crawl, pageRecord, takeNext } from './page/crawl.ts'
import { isCut, pageBudget, trim } from './page/trim.ts'

const url = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .max(1_000)
  .refine((text) => !/^\w+:\/*[^/?#\\]*@/.test(text), 'expected a URL without credentials')

const report = z.object({
  pages: z.array(pageRecord).meta({ description: 'In the order in which they were read' }),
  brokenLinks: z.array(brokenLink).meta({ description: 'The first 30' }),
  counts: z.object({
    pages: z.int(),
    brokenLinks: z.int(),
    checkedLinks: z.int().meta({ description: 'Links asked whether they answer, besides the pages' }),
    disallowed: z.int().meta({ description: 'Not asked for, since a robots.txt forbids it or cannot be read' }),
  }),
})

export const pageParse = defineJob({
  kind: 'page.parse',
  summary: 'Reads a page, or the pages of a site, and finds broken links',
  input: z.strictObject({
    url: url.meta({ description: 'Where to begin' }),
    depth: z
      .int()
      .min(0)
      .max(5)
      .default(0)
      .meta({ description: 'How many links to follow within the host; 0 reads one page' }),
    maxPages: z.int().min(1).max(50).default(20).meta({ description: 'At most so many pages' }),
    checkLinks: z.int().min(0).max(200).default(20).meta({
      description: 'How many of the other links to check',
    }),
  }),
  output: report,
  checkpoint: crawl,
  concurrency: 20,
  limits: { concurrencyKey: ({ url }) => new URL(url).host, runningPerKey: 1 },
  async *run({ input, checkpoint, signal, web, files }) {
    const [{ politely }, { checkLink, visitPage }] = await Promise.all([
      import('./page/polite.ts'),
      import('./page/visit.ts'),
    ])
    const limits = { ...input, maxPages: input.depth === 0 ? 1 : input.maxPages }
    const polite = politely(web, { signal, rested: checkpoint === undefined })

    for (let state = checkpoint ?? begin(input.url); ; ) {
      // Copied: what was yielded is saved some time later, and must not change until then.
      state = structuredClone(state)
      const visit = takeNext(state, limits)
      if (!visit) return reportOf(state)

      let durable = false
      if (visit.as === 'link') await checkLink(state, polite, visit)
      else {
        const page = await visitPage(state, polite, visit, limits)
        const shown = page && trim(page, pageBudget(limits.maxPages))
        if (page && shown && isCut(shown)) {
          const bytes = Buffer.from(JSON.stringify(page))
          const name = `${new URL(page.url).host}-${state.pages.length + 1}.json`
          shown.fileId = (await files.write({ name, contentType: 'application/json', bytes })).fileId
          // Durable: a file that is in no checkpoint would be made again.
          durable = true
        }
        if (shown) state.pages.push(shown)
      }
      const done = state.pages.length + state.checkedLinks
      const progress = done / (limits.maxPages + limits.checkLinks)
      yield { checkpoint: state, progress, partial: reportOf(state), durable }
    }
  },
})

const reportOf = ({ pages, brokenLinks, brokenCount, checkedLinks, disallowed }: Crawl): z.infer<typeof report> => ({
  pages,
  brokenLinks,
  counts: { pages: pages.length, brokenLinks: brokenCount, checkedLinks, disallowed },
})
