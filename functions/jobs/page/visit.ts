import { PermanentError } from '../../../lib/jobs/define.ts'
import type { WebAnswer } from '../../../lib/web/web.ts'
import { WebError } from '../../../lib/web/web-error.ts'
import { addBroken, type Crawl, type Limits, note, type PageRecord, type Visit } from './crawl.ts'
import { isHtml, readDocument } from './document.ts'
import type { Polite } from './polite.ts'
import { MAX_URL_LENGTH } from './reader.ts'

/** Of a page, decompressed. */
const MAX_PAGE_BYTES = 5 * 1024 * 1024

/**
 * Reads a page and takes note of where it leads. What is no page of the site is passed over, and one that does not answer
 * is a broken link; but if it is the page to begin with, the job ends, or tries it again.
 * @throws {PermanentError} ROBOTS_DISALLOWED, HTTP_ERROR, NOT_HTML, and the codes of {@link WebError}
 */
export const visitPage = async (
  crawl: Crawl,
  polite: Polite,
  visit: Visit,
  limits: Limits,
): Promise<PageRecord | undefined> => {
  const wanted = { maxBytes: MAX_PAGE_BYTES, wants: isHtml }
  const answer = crawl.site === null ? await askFirst(polite, visit, wanted) : await ask(crawl, polite, visit, wanted)
  if (!answer || !isHtml(answer.contentType)) return undefined
  crawl.site ??= answer.url.host
  answer.url.hash = ''
  const url = answer.url.href
  if (answer.url.host !== crawl.site || url.length > MAX_URL_LENGTH) return undefined
  if (crawl.pages.some((page) => page.url === url)) return undefined

  const { followable, ...content } = await readDocument(answer.bytes, answer.contentType, answer.url)
  note(crawl, limits, visit, url, followable)
  return {
    url,
    depth: visit.depth ?? 0,
    status: answer.status,
    sizeBytes: answer.bytes.length,
    ...content,
    fileId: null,
  }
}

/** Asks whether a link answers, and reads nothing of it. */
export const checkLink = async (crawl: Crawl, polite: Polite, visit: Visit): Promise<void> => {
  await ask(crawl, polite, visit, { maxBytes: 0, wants: () => false })
}

type Wanted = Parameters<Polite['get']>[1]

/** An answer that isn't an error; errors are broken links. */
const ask = async (crawl: Crawl, polite: Polite, visit: Visit, wanted: Wanted): Promise<WebAnswer | undefined> => {
  try {
    if (await polite.refusal(visit.url)) {
      crawl.disallowed++
      return undefined
    }
    const answer = await polite.get(visit.url, wanted)
    if (answer.status < 400) return answer
    addBroken(crawl, visit, { status: answer.status, error: null })
  } catch (error) {
    if (!(error instanceof WebError)) throw error
    addBroken(crawl, visit, { status: null, error: error.code })
  }
  return undefined
}

/** The page to begin with: without it there is no result. What may be otherwise the next time is tried again. */
const askFirst = async (polite: Polite, { url }: Visit, wanted: Wanted): Promise<WebAnswer> => {
  try {
    const refusal = await polite.refusal(url)
    if (refusal === 'disallowed')
      throw new PermanentError('ROBOTS_DISALLOWED', `The robots.txt of ${new URL(url).host} forbids it.`)
    if (refusal === 'unknown')
      throw new WebError('ROBOTS_UNREADABLE', `The robots.txt of ${new URL(url).host} can't be read now.`)
    const answer = await polite.get(url, wanted)
    if (answer.url.origin !== new URL(url).origin && (await polite.refusal(answer.url.href)))
      throw new PermanentError('ROBOTS_DISALLOWED', `The robots.txt of ${answer.url.host} forbids it.`)
    if (answer.status >= 500 || answer.status === 429)
      throw new WebError('HTTP_ERROR', `${url} answered ${answer.status}.`)
    if (answer.status >= 400) throw new PermanentError('HTTP_ERROR', `${url} answered ${answer.status}.`)
    if (!isHtml(answer.contentType))
      throw new PermanentError('NOT_HTML', `${url} is ${answer.contentType.slice(0, 100)} and no HTML.`)
    return answer
  } catch (error) {
    if (error instanceof WebError && !error.mayPass)
      throw new PermanentError(error.code, error.message, { cause: error })
    throw error
  }
}
