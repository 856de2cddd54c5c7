import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

/** What axe complains about on a page as it is now; empty if nothing. */
export const complaints = async (page: Page): Promise<string[]> => {
  // A page's policy lets no script in; what the test itself evaluates is not the page's.
  await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: (of: Document) => Promise<AxeResults> } }
    return (await axe.run(document)).violations
  })
  return found.flatMap(({ id, help, nodes }) => nodes.map((it) => `${id}: ${help}: ${it.html.slice(0, 160)}`))
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth))

/** Waits until nothing on the page moves. */
export const loaded = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.skeleton'))
